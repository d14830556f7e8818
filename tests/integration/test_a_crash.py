"""PostgreSQL is killed in the middle of a night: it comes back, the night is run again, and nothing shows."""

import os
import signal
import subprocess
import time
from pathlib import Path

from tests.integration.conftest import LAST, NIGHT_COMMANDS, Nation, Warehouse
from warehouse import server as embedded

AWAIT_SECONDS = 120


def test_a_night_in_which_postgresql_was_killed_ends_in_the_same_marts(
    nation: Nation, first_night: Warehouse, built: Warehouse, server: Path
) -> None:
    crashed = nation.warehouse("nation_crashed", template=first_night)
    script = " && ".join(command.format(night=LAST) for command in NIGHT_COMMANDS)
    has_begun = f"select count(*) > 5 from ops.deliveries where night = '{LAST}' and state = 'received'"
    log = nation.folder / "crashed.log"
    with log.open("w") as output:
        night = subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", f'eval "$(python -m warehouse env)"; {script}'],
            cwd=Path(__file__).resolve().parent.parent.parent, env=crashed.environment, stdout=output, stderr=output,
        )  # fmt: skip
        while crashed.query(has_begun) != [(True,)]:
            assert night.poll() is None, "the night was over before PostgreSQL could be killed"
            time.sleep(0.02)
        process = int((embedded.data_directory(server) / "postmaster.pid").read_text().split()[0])
        os.kill(process, signal.SIGKILL)
        assert night.wait(AWAIT_SECONDS) != 0, "a night without its warehouse fails"
    embedded.start(server)
    ((unfinished,),) = crashed.query(
        f"select count(*) from ops.deliveries where night = '{LAST}' and state = 'expected'"
    )
    assert unfinished > 0  # type: ignore[operator]
    crashed.night(LAST)
    assert crashed.checksums() == built.checksums(), log.read_text()[-1000:]
