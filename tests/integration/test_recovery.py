"""What docs/recovery.md has people type when only the originals are left, typed."""

import re
import shutil
from pathlib import Path

from tests.integration.chaos import Figures, figures
from tests.integration.conftest import REPOSITORY, Nation, Warehouse

MANUAL = REPOSITORY / "docs" / "recovery.md"


def test_raw_and_what_was_judged_are_made_again_from_nothing_but_the_originals(
    nation: Nation, first_night: Warehouse
) -> None:
    again, ledger = blocks("## Raw from the originals")
    empty = nation.warehouse("nation_from_originals")
    state = Path(empty.environment["LAPOR_STATE_DIR"])
    shutil.copytree(Path(first_night.environment["LAPOR_STATE_DIR"]) / "landing", state / "landing")
    empty.environment["LAPOR_CONNECTION_SIMULATOR_HTTP"] = "http://127.0.0.1:9"  # nobody is asked
    read_again, _, _ = again.partition('eval "$(python -m warehouse env)"')  # the marts: test_incremental_builds.py
    for block in (ledger, read_again):
        empty.commands(block.replace(".state", str(state)))
    assert without_ledger(figures(empty)) == without_ledger(figures(first_night))
    # What had failed or was not there has no original: it stays `expected`.
    came = "select agency_code, resource, state, received_rows, loaded_rows, received_events, loaded_events, stated_total from ops.deliveries where state = 'received' order by 1, 2"
    assert empty.query(came) == first_night.query(came)
    assert len(empty.query(came)) > 20


def without_ledger(found: Figures) -> Figures:
    """Rows, texts and what the gate decided of them."""
    return {key: value for key, value in found.items() if key[0] != "ops.deliveries"}


def blocks(heading: str) -> list[str]:
    """The blocks of commands under a heading of the manual."""
    section = MANUAL.read_text().partition(f"\n{heading}\n")[2].partition("\n## ")[0]
    found = re.findall(r"^```\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    assert len(found) == 2
    return found
