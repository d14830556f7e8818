"""Prometheus is told the truth: figures worked out by hand, and 0 where something cannot be asked."""

import re
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from psycopg2.extensions import connection as Connection

from tests.warehouse.test_status import night, quarantine, run
from warehouse.__main__ import main
from warehouse.settings import REPOSITORY, settings

__all__ = ["night", "run"]

Values = dict[tuple[str, frozenset[tuple[str, str]]], float]
CUT_OFF = datetime(2021, 7, 1, tzinfo=UTC).timestamp()  # the nights of test_status are cut off at midnight UTC


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Callable[[], Values]:
    """What `python -m warehouse metrics` prints, read as Prometheus reads it: name and labels -> value."""

    def ask() -> Values:
        assert main(["metrics"]) == 0
        return values_of(capsys.readouterr().out)

    return ask


def values_of(text: str) -> Values:
    families = list(text_string_to_metric_families(text))
    assert all(family.documentation and family.type == "gauge" for family in families)
    samples = [sample for family in families for sample in family.samples]
    found = {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}
    assert len(found) == len(samples)
    return found


def value(found: Values, name: str, **labels: str) -> float:
    return found[name, frozenset(labels.items())]


def test_a_night_is_told_with_its_figures(night: Callable[..., Any], told: Callable[[], Values]) -> None:
    night("update ops.deliveries set state = 'late', received_rows = 0, loaded_rows = 0 where agency_code = 'AGENCY-1'")
    night(
        "insert into quality.agency_verdict (night, agency_code, resource, attempt, verdict)"
        " values ('2021-06-30', 'AGENCY-2', 'complaints', 0, 'held')"
    )
    quarantine(night, "2021-06-29", 3)
    quarantine(night, "2021-06-30", 4)
    night("update quality.quarantined_record set status = 'waived' where night = '2021-06-30' and row_id = 1")
    found = told()
    assert value(found, "lapor_up") == 1
    assert value(found, "lapor_published_night_timestamp_seconds") == CUT_OFF
    assert (value(found, "lapor_night_published"), value(found, "lapor_night_simulated")) == (1, 0)
    assert value(found, "lapor_night_agencies") == 10
    assert value(found, "lapor_night_coverage_ratio") == 0.8  # one is late, one is held
    assert value(found, "lapor_night_deliveries", state="received") == 9
    assert value(found, "lapor_night_deliveries", state="late") == 1
    assert value(found, "lapor_night_deliveries_held") == 1
    assert value(found, "lapor_night_rows_new") == 9 * 5
    assert value(found, "lapor_quarantine_open_rows") == 3 + 3
    assert value(found, "lapor_check_state", check="coverage") == 1
    assert value(found, "lapor_check_state", check="held") == 1
    assert value(found, "lapor_check_state", check="warehouse") == 0


def test_a_night_that_is_not_published_does_not_hide_the_one_before(
    night: Callable[..., Any], told: Callable[[], Values]
) -> None:
    night("update ops.nights set published_at = null, published_seq = 0 where night = '2021-06-30'")
    found = told()
    assert value(found, "lapor_night_published") == 0
    assert value(found, "lapor_published_night_timestamp_seconds") == CUT_OFF - 86400


def test_the_steps_of_a_night_are_timed(night: Callable[..., Any], told: Callable[[], Values]) -> None:
    night(
        "update ops.nights set opened_at = '2021-06-30 18:00+00', published_at = '2021-06-30 18:20+00' where night = '2021-06-30'"
    )
    night("update ops.deliveries set started_at = '2021-06-30 18:01+00', finished_at = '2021-06-30 18:02+00'")
    night("update ops.deliveries set finished_at = '2021-06-30 18:06:30+00' where agency_code = 'AGENCY-7'")
    night(
        "update quality.validation_run set started_at = '2021-06-30 18:07+00', finished_at = '2021-06-30 18:07:12+00'"
    )
    night(
        "insert into ops.builds values (gen_random_uuid(), 'build', null, '', null, false, true, 1, 1, 1, 3, 0, 0, 0,"
        " '2021-06-30 18:08+00', '2021-06-30 18:08:40.5+00')"
    )
    found = told()
    taken = {step: value(found, "lapor_step_seconds", step=step) for step in ("extract", "gate", "build", "night")}
    assert taken == {"extract": 330, "gate": 12, "build": 40.5, "night": 1200}


@pytest.fixture
def no_marts(run: Callable[..., Any]) -> Iterator[None]:
    """An empty schema of marts: what other tests have built is put aside meanwhile."""
    run("create schema if not exists marts; alter schema marts rename to marts_of_others; create schema marts")
    yield
    run("drop schema marts cascade; alter schema marts_of_others rename to marts")


@pytest.fixture
def facts(run: Callable[..., Any], no_marts: None) -> None:
    """A mart of two deliveries of the last night and one of the night before."""
    run(
        "create table marts.fct_deliveries as select * from (values"
        " (date '2021-06-30', 'complaints', 100, 90, 7, 0, 3), (date '2021-06-30', 'complaints', 20, 0, 0, 20, 0),"
        " (date '2021-06-29', 'complaints', 5, 5, 0, 0, 0)) as told"
        " (night, resource, received_count, accepted_count, quarantined_count, held_count, superseded_count)"
    )


def test_every_row_of_the_published_night_is_accounted_for(
    night: Callable[..., Any], facts: None, told: Callable[[], Values]
) -> None:
    found = told()
    outcomes = ("received", "accepted", "quarantined", "held", "superseded")
    counts = {name: value(found, "lapor_rows", resource="complaints", outcome=name) for name in outcomes}
    assert counts == {"received": 120, "accepted": 90, "quarantined": 7, "held": 20, "superseded": 3}
    assert value(found, "lapor_part_up", part="rows") == 1


def test_a_part_that_cannot_be_asked_says_so_and_the_rest_is_told(
    night: Callable[..., Any], no_marts: None, told: Callable[[], Values]
) -> None:
    found = told()
    assert value(found, "lapor_part_up", part="rows") == 0
    assert not any(name == "lapor_rows" for name, _ in found)
    assert {
        value(found, "lapor_part_up", part=part) for part in ("disk", "backup", "checks", "night", "steps", "server")
    } == {1}
    assert value(found, "lapor_database_size_bytes") > 1e6


def test_backups_are_told_where_there_should_be_some(
    warehouse: Connection, told: Callable[[], Values], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    name = "lapor_backup_newest_timestamp_seconds"
    assert name not in {each for each, _ in told()}
    monkeypatch.setenv("LAPOR_BACKUP_DIR", str(tmp_path))
    settings.cache_clear()
    try:
        assert value(told(), name) == 0
        (tmp_path / "base" / "20210630T190000Z-full").mkdir(parents=True)
        (tmp_path / "base" / "20210630T200000Z-incremental").mkdir()
        assert value(told(), name) == datetime(2021, 6, 30, 20, tzinfo=UTC).timestamp()
    finally:
        monkeypatch.undo()
        settings.cache_clear()


def test_no_agency_and_nothing_of_a_row_is_in_a_label(night: Callable[..., Any], told: Callable[[], Values]) -> None:
    found = told()
    assert len(found) < 100
    assert {label for _, labels in found for label, _ in labels} <= {
        "check", "part", "place", "replica", "resource", "outcome", "slot", "state", "step",
    }  # fmt: skip
    assert not any("AGENCY" in text for _, labels in found for _, text in labels)


def test_a_warehouse_that_is_down_is_told_by_an_exporter_that_is_up(tmp_path: Path) -> None:
    exporter = subprocess.Popen(
        [sys.executable, "-m", "warehouse", "metrics", "--serve", "0"],
        cwd=REPOSITORY, env={"PATH": "", "LAPOR_STATE_DIR": str(tmp_path)}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert exporter.stdout is not None
        address = re.fullmatch(r"metrics: (http://127\.0\.0\.1:\d+/metrics)\n", exporter.stdout.readline())
        assert address is not None
        for _ in range(2):  # asked anew each time
            with urllib.request.urlopen(address[1]) as answer:  # noqa: S310
                assert answer.headers["Content-Type"].startswith("text/plain")
                found = values_of(answer.read().decode())
            assert value(found, "lapor_up") == 0
            assert value(found, "lapor_disk_free_bytes", place="state") > 0
            assert {name for name, _ in found} == {
                "lapor_up",
                "lapor_part_up",
                "lapor_disk_size_bytes",
                "lapor_disk_free_bytes",
            }
    finally:
        exporter.terminate()
        exporter.wait(30)
