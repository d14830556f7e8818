"""PostgreSQL is killed in the middle of a night: it comes back, the night is run again, and nothing shows."""

import os
import signal
import time
from pathlib import Path

from tests.integration.conftest import LAST, Nation, Warehouse
from warehouse import server as embedded

AWAIT_SECONDS = 120


def test_a_night_in_which_postgresql_was_killed_ends_in_the_same_marts(
    nation: Nation, first_night: Warehouse, built: Warehouse, server: Path
) -> None:
    crashed = nation.warehouse("nation_crashed", template=first_night)
    has_begun = f"select count(*) > 5 from ops.deliveries where night = '{LAST}' and state = 'received'"
    night = crashed.start_night(LAST)
    while crashed.query(has_begun) != [(True,)]:
        assert night.poll() is None, "the night was over before PostgreSQL could be killed"
        time.sleep(0.02)
    process = int((embedded.data_directory(server) / "postmaster.pid").read_text().split()[0])
    os.kill(process, signal.SIGKILL)
    assert night.wait(AWAIT_SECONDS) != 0, "a night without its warehouse fails"
    embedded.start(server)
    (left,) = crashed.query(f"select count(*) > 0 from ops.deliveries where night = '{LAST}' and state = 'expected'")
    assert left == (True,)
    crashed.night(LAST)
    assert crashed.checksums() == built.checksums()
