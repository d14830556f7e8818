"""One embedded server for the whole session, one clean warehouse per test that asks for it."""

import base64
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from psycopg2.extensions import connection as Connection
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from warehouse import schema
from warehouse import server as embedded
from warehouse.connection import connect
from warehouse.settings import settings

# The same examples everywhere, so that a change breaks a test and not the day; LAPOR_TEST_EXPLORE=1 looks for new ones.
hypothesis.settings.register_profile(
    "lapor",
    derandomize="LAPOR_TEST_EXPLORE" not in os.environ,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("lapor")

# Of the workers of `pytest -n 2` one would be idle at the end if something long began last: these begin first.
LONG = (
    "tests/integration",
    "tests/dbt_project/test_incremental",
    "tests/reports/portal",
    "tests/dags",
    "tests/dbt_project",
    "tests/warehouse",
)
# What is made once for a folder is made by one worker.
TOGETHER = ("tests/integration", "tests/reports/portal")

# A test's server may be lost with the machine, so it waits for no disk; killed, it comes back with all that was committed.
NOT_DURABLE = {"fsync": "off", "full_page_writes": "off"}

SHARED_DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what LONG names first, in its order, everything else in its own."""
    items.sort(
        key=lambda item: next((place for place, name in enumerate(LONG) if item.nodeid.startswith(name)), len(LONG))
    )


class ByFileOrFolder(LoadScopeScheduling):
    """Gives a worker the tests of one file, or of one folder of TOGETHER, at a time."""

    def _split_scope(self, nodeid: str) -> str:
        return next((folder for folder in TOGETHER if nodeid.startswith(folder)), nodeid.split("::", maxsplit=1)[0])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFileOrFolder:
    """How `pytest -n 2` shares the tests out."""
    return ByFileOrFolder(config, log)


@pytest.fixture(scope="session")
def server() -> Iterator[Path]:
    """A running embedded PostgreSQL with our schema; yields the state directory all settings point to."""
    # A folder of its own: PostgreSQL runs as its own user when we are root, and pytest closes its folders to others.
    state_dir = Path(tempfile.mkdtemp(prefix="lapor-tests-"))
    state_dir.chmod(0o755)
    os.environ["LAPOR_STATE_DIR"] = str(state_dir)
    os.environ["LAPOR_LANDING_KEY"] = base64.b64encode(b"landing key of the test session!").decode()
    os.environ["LAPOR_IDENTITY_KEY"] = base64.b64encode(b"identity key of the test session").decode()
    os.environ.pop("WAREHOUSE_DSN", None)
    settings.cache_clear()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(embedded, "TUNING", embedded.TUNING | NOT_DURABLE)
        embedded.start(state_dir)
    schema.apply()
    yield state_dir
    embedded.stop(state_dir)
    shutil.rmtree(state_dir)


@pytest.fixture
def warehouse(server: Path) -> Iterator[Connection]:
    """An empty warehouse: a connection as its owner, after truncating everything that is not dbt's."""
    connection = connect("owner", "lapor/test")
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "select string_agg(format('%I.%I', schemaname, tablename), ', ') from pg_tables"
            " where schemaname in ('raw', 'restricted', 'ops', 'quality')"
        )
        row = cursor.fetchone()
        assert row is not None
        cursor.execute(f"truncate {row[0]} restart identity cascade")
    yield connection
    connection.close()
