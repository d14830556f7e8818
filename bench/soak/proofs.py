"""What has to hold after every night of a soak and at its end; what fails raises SoakFailed with the evidence."""

import csv
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from psycopg2.sql import SQL, Identifier

from bench import night as nightly
from bench.soak.supervised import Night, SoakFailed, Supervised

WITHOUT_A_NUMBER = ("missing_id", "ragged_row")
FULL_BUILD = nightly.DBT.replace("dbt build", "dbt build --full-refresh")


def look(run: Supervised, ended: Night, *, is_first: bool) -> None:
    """Hold the night against its guarantees and note what the ledger says. Raises SoakFailed."""
    night = ended.night

    def must(words: str, sql: str) -> None:
        if found := run.query(sql, {"night": night}):
            raise SoakFailed(f"night {night}: {words}: {found[:5]}")

    must("not published", "select night from ops.nights where published_seq < changed_seq or published_at is null")
    must(
        "rows are not accounted for",
        """
        select night, agency_code, resource from marts.fct_deliveries
        where received_count <> accepted_count + quarantined_count + held_count + superseded_count
            or received_event_count
                <> accepted_event_count + quarantined_event_count + held_event_count + superseded_event_count
        """,
    )
    must(
        "agencies are not accounted for",
        """
        select night from marts.rpt_coverage_daily group by night
        having sum(expected_count) <> sum(delivered_count + empty_count + late_count + failed_count + held_count
            + not_connected_count)
        """,
    )
    must(
        "a delivery did not come and nobody said why",
        "select agency_code, resource, state from ops.deliveries where night = %(night)s"
        " and (state = 'expected' or (state in ('failed', 'late') and coalesce(reason, '') = ''))",
    )
    ended.states = {
        state: int(number)
        for state, number in run.query(
            "select state, count(*) from ops.deliveries where night = %s group by state", [night]
        )
    }
    ((received, loaded, events, held),) = run.query(
        "select sum(received_rows), sum(loaded_rows), sum(loaded_events), (select count(*) from quality.agency_verdict"
        " where night = %(night)s and verdict = 'held') from ops.deliveries where night = %(night)s",
        {"night": night},
    )
    ended.rows = {"received": int(received), "loaded": int(loaded), "events": int(events), "held deliveries": int(held)}
    if is_first and not received:
        raise SoakFailed(f"night {night}: nothing was loaded, so nothing was tried")


def ends_of(run: Supervised, plan: Sequence[dict[str, Any]]) -> dict[str, dict[str, int]]:
    """How the deliveries of broken agencies ended, by kind of fault: state -> deliveries. Raises SoakFailed."""
    ends: dict[str, dict[str, int]] = {}
    for entry in plan:
        ((state,),) = run.query(
            "select state from ops.deliveries where resource = 'complaints' and agency_code = %s and night = %s",
            [entry["agency"], entry["nights"][0]],
        )
        of_kind = ends.setdefault(str(entry["kind"]), {})
        of_kind[state] = of_kind.get(state, 0) + 1
    return ends


def mend(run: Supervised, last: date) -> int:
    """Extract every night again that lacks a delivery, now that all agencies answer; how many deliveries came so.

    Raises SoakFailed when one still does not come.
    """
    open_ones = (
        "select night, count(*) from ops.deliveries where state not in ('received', 'empty') group by 1 order by 1"
    )
    lacking = run.query(open_ones)
    for night, _ in lacking:
        run.run(f"python -m extract --night {night}")
    if still := run.query(open_ones):
        raise SoakFailed(f"deliveries of nights {still} do not come, though all agencies answer")
    run.run(f"python -m quality --night {last}", nightly.DBT, f"python -m extract close --night {last}")
    return sum(int(number) for _, number in lacking)


def compare_with_truth(run: Supervised, truth: Path) -> int:
    """Look for every complaint of the simulator in raw; how many there are. Raises SoakFailed naming some of the lost.

    What was handed over without a readable number cannot be looked for: it is in quarantine, and accounted for.
    """
    with (truth / "dirt.csv").open(encoding="utf-8", newline="") as file:
        nameless = {
            (row["agency_code"], row["tracking_id"]) for row in csv.DictReader(file) if row["kind"] in WITHOUT_A_NUMBER
        }
    with (truth / "complaints.csv").open(encoding="utf-8", newline="") as file:
        drawn = {(row["agency_code"], row["tracking_id"]) for row in csv.DictReader(file)} - nameless
    loaded = set(run.query("select distinct agency_code, tracking_id from raw.complaints"))
    if lost := drawn - loaded:
        raise SoakFailed(f"{len(lost)} of {len(drawn)} complaints are lost, such as {sorted(lost)[:5]}")
    return len(drawn)


def compare_with_full_build(run: Supervised, last: date) -> int:
    """Build everything anew and compare every mart by checksum; how many marts. Raises SoakFailed."""
    before = dict(_checksums(run))
    run.run(FULL_BUILD, f"python -m extract close --night {last}")
    after = dict(_checksums(run))
    if other := sorted(name for name in before if before[name] != after.get(name)):
        raise SoakFailed(f"a full build ends in other marts: {other}")
    return len(before)


def _checksums(run: Supervised) -> Iterator[tuple[str, tuple[Any, ...]]]:
    for (name,) in run.query("select tablename from pg_tables where schemaname = 'marts'"):
        ((count, total),) = run.query(
            SQL(
                "select count(*), sum(('x' || left(md5(line::text), 15))::bit(60)::bigint) from marts.{} as line"
            ).format(Identifier(name))
        )
        yield name, (count, total)
