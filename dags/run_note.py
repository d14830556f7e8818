"""Write the note of a run of a DAG, which Airflow's pages show beside it.

    python dags/run_note.py lapor_nightly manual__2021-07-01 "the words"

A task of Airflow cannot note anything on its own run except through the API. Where that is and how to sign in is read
from Airflow's own settings, as every component here has them: AIRFLOW__CORE__EXECUTION_API_SERVER_URL, and the file
named by AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE. Exit code 1 when it is not written.
"""

import json
import os
import sys
from pathlib import Path
from urllib.parse import quote

from local_nights import Api, ApiError


def main(arguments: list[str]) -> int:
    """Write the note; returns the exit code."""
    if len(arguments) != 3:
        print(__doc__, file=sys.stderr)
        return 1
    dag_id, run_id, words = arguments
    server = os.environ.get("AIRFLOW__CORE__EXECUTION_API_SERVER_URL")
    passwords = os.environ.get("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE")
    if not server or not passwords:
        print("no note: this Airflow has another login than its simple one (see dags/run_note.py)", file=sys.stderr)
        return 1
    try:
        api = Api(server.removesuffix("/").removesuffix("/execution"), json.loads(Path(passwords).read_text())["admin"])
        api.call("PATCH", f"dags/{dag_id}/dagRuns/{quote(run_id, safe='')}?update_mask=note", {"note": words})
    except (ApiError, OSError, KeyError) as error:
        print(f"no note: {error}", file=sys.stderr)
        return 1
    print(words)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
