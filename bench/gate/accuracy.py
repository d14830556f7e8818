"""What the gate catches of the simulated nation's dirt: the nights run as commands, then the truth is laid beside them.

No dbt, no Airflow, no broken agencies: extraction and the gate, as `make demo` runs them, over the same four nights.
"""

import csv
import json
import tempfile
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import psycopg2

from bench import night
from bench.gate.compare import CAUGHT_SHARE, WRONGLY_KEPT_OUT_SHARE, Comparison, Dirt, Finding, compare
from warehouse.server import socket_dsn

NIGHTS = [night.LAST_NIGHT - timedelta(days=back) for back in (3, 2, 1, 0)]
_FINDINGS = """
    select record.night, record.agency_code, version.tracking_id, {receipt}, record.rule_ids, true
    from quality.quarantined_record as record
    inner join raw.{table} as version using (row_id)
    where record.table_name = '{table}'
    union all
    select flag.night, version.agency_code, version.tracking_id, {receipt}, array_agg(flag.rule_id), false
    from quality.row_flag as flag
    inner join raw.{table} as version using (row_id)
    where flag.table_name = '{table}'
    group by flag.night, version.row_id, version.agency_code, version.tracking_id
"""
# Complaints have a time of receipt; grouping by their row_id, the key, brings it along.
_RECEIPTS = {"complaints": "version.received_at", "complaint_events": "null::timestamptz"}
_ROWS = """
    select agency_code, tracking_id, count(*) from (
        select agency_code, tracking_id from raw.complaints
        union all select agency_code, tracking_id from raw.complaint_events
    ) as delivered
    group by agency_code, tracking_id
"""
_ELSEWHERE = """
    select count(*) from quality.quarantined_record where table_name not in ('complaints', 'complaint_events')
"""
_HELD = "select agency_code, resource, rule_ids from quality.agency_verdict where verdict = 'held' order by 1, 2"


@dataclass(frozen=True, slots=True)
class Accuracy:
    """The comparison, rows of other resources that were kept out, deliveries that were held, and who should be."""

    comparison: Comparison
    kept_out_elsewhere: int
    held: list[tuple[str, str, list[str]]]
    bad_agency: str | None


def measure(directory: Path | None = None) -> Accuracy:
    """Run the nights and compare; prints each step as it ends. Raises SystemExit when a command fails."""
    with tempfile.TemporaryDirectory(prefix="lapor-bench-gate-", dir=directory) as folder:
        state = Path(folder)
        state.chmod(0o755)  # PostgreSQL may run as a user of its own
        environment = night.environment_of(state)
        with night.world(1, NIGHTS, environment):
            for one in NIGHTS:
                for step, commands in night.steps(one):
                    if step != "build":
                        cost = night.run(one, step, commands, environment)
                        print(f"night {one}: {step:8} {cost.wall_seconds:7.1f} s wall", flush=True)
            return read(socket_dsn(state), state / "simulator" / "truth")


def read(dsn: str, truth: Path) -> Accuracy:
    """Lay what the gate of this warehouse decided beside the truth of the nights it judged."""
    dirt, drawn, bad_agency = _read_truth(truth)
    with closing(psycopg2.connect(dsn, options="-c timezone=UTC")) as connection, connection.cursor() as cursor:
        findings: list[Finding] = []
        for table, receipt in _RECEIPTS.items():
            cursor.execute(_FINDINGS.format(table=table, receipt=receipt))
            findings += [Finding(*row) for row in cursor.fetchall()]
        cursor.execute(_ROWS)
        rows = {(agency, tracking_id): count for agency, tracking_id, count in cursor.fetchall()}
        cursor.execute(_ELSEWHERE)
        ((elsewhere,),) = cursor.fetchall()
        cursor.execute(_HELD)
        held = [(agency, resource, rules) for agency, resource, rules in cursor.fetchall()]
    return Accuracy(compare(dirt, drawn, findings, rows), elsewhere, held, bad_agency)


def _read_truth(folder: Path) -> tuple[list[Dirt], dict[str, int], str | None]:
    with (folder / "complaints.csv").open(encoding="utf-8", newline="") as file:
        received = {
            (row["agency_code"], row["tracking_id"]): datetime.fromisoformat(row["received_at"])
            for row in csv.DictReader(file)
        }
    with (folder / "dirt.csv").open(encoding="utf-8", newline="") as file:
        dirt = [
            Dirt(code, number, kind, date.fromisoformat(first), received[code, number])
            for code, number, kind, first in list(csv.reader(file))[1:]
        ]
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    return dirt, summary["defects"] | summary["quirks"], summary["bad_agency"]


def report(accuracy: Accuracy) -> str:
    """The tables and the bars, plainly said."""
    result = accuracy.comparison
    lines = [
        f"{'kind':22} {'rule':24} {'made':>6} {'visible':>8} {'caught':>7} {'missed':>7} {'false':>6}",
        *(
            f"{tally.kind.name:22} {tally.kind.rule:24} {tally.drawn:6} {tally.visible:8} {tally.caught:7}"
            f" {tally.missed:7} {tally.false:6}"
            for tally in result.tallies
        ),
        "",
        f"{'must be let in':22} {'made':>6} {'visible':>8} {'kept out':>9}",
        *(f"{one.kind.name:22} {one.drawn:6} {one.visible:8} {one.kept_out:9}" for one in result.let_in),
        "",
    ]
    for words, counts in (("kept out", result.kept_out_by), ("flagged", result.flagged_by)):
        by_rule = ", ".join(f"{rule} {count}" for rule, count in counts.most_common()) or "none"
        lines.append(f"rows of good records {words}, by rule: {by_rule}")
    held = [f"{agency} {resource} ({', '.join(rules[:1])})" for agency, resource, rules in accuracy.held]
    lines += [f"held deliveries: {'; '.join(held) or 'none'}; wholly bad: {accuracy.bad_agency}", *_bars(accuracy)]
    return "\n".join(lines)


def _bars(accuracy: Accuracy) -> list[str]:
    result = accuracy.comparison
    stopped = sum(one.kept_out for one in result.let_in)
    wrongly_held = [agency for agency, _, _ in accuracy.held if agency != accuracy.bad_agency]
    bars = [
        (result.caught_share(defects=True) >= CAUGHT_SHARE, f"defects caught: {result.caught_share(defects=True):.2%}"),
        (
            result.caught_share(defects=False) >= CAUGHT_SHARE,
            f"oddities flagged: {result.caught_share(defects=False):.2%}",
        ),
        (result.caught_share() >= CAUGHT_SHARE, f"all caught: {result.caught_share():.2%} (bar {CAUGHT_SHARE:.0%})"),
        (
            result.wrongly_kept_out_share <= WRONGLY_KEPT_OUT_SHARE,
            f"good rows kept out: {result.good_kept_out} of {result.good_rows:,}, {result.wrongly_kept_out_share:.3%}"
            f" (bar {WRONGLY_KEPT_OUT_SHARE:.1%})",
        ),
        (stopped == 0, f"records that must be let in, kept out: {stopped} (bar 0)"),
        (accuracy.kept_out_elsewhere == 0, f"rows of other resources kept out: {accuracy.kept_out_elsewhere} (bar 0)"),
        (not wrongly_held, f"deliveries of good agencies held: {len(wrongly_held)} (bar 0)"),
    ]
    lines = [f"{'held  ' if is_held else 'MISSED'} {words}" for is_held, words in bars]
    share = result.good_flagged / result.good_rows if result.good_rows else 0.0
    return [*lines, f"       good rows flagged: {result.good_flagged} of {result.good_rows:,}, {share:.3%} (no bar)"]
