"""From failing rules to decisions: which rows to keep out or flag, which deliveries to hold, whether the night stands.

Pure: frames and results in, decisions out. Nothing is read or written here.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from typing import Any

import pandas as pd

from quality.bounds import Bounds
from quality.decisions import Delivery, DeliveryVerdict, NightVerdict, RowDecisions, Run
from quality.rules import Rule


def decide_rows(table: str, run: Run) -> RowDecisions:
    """Fold the failures of a run once: row -> rules. A quarantined row carries its warnings too."""
    critical = {row_id for result in run.results if result.rule.severity == "critical" for row_id in result.row_ids}
    quarantined: dict[int, list[Rule]] = {row_id: [] for row_id in sorted(critical)}
    flags: dict[str, list[int]] = {}
    for result in run.results:
        for row_id in result.row_ids:
            if row_id in critical:
                quarantined[row_id].append(result.rule)
            elif result.rule.severity == "warning":
                flags.setdefault(result.rule.rule_id, []).append(row_id)
    return RowDecisions(table, quarantined, flags)


def add_bad_shares(
    deliveries: pd.DataFrame, rows: dict[str, tuple[pd.DataFrame, RowDecisions]], bounds: Bounds
) -> pd.DataFrame:
    """The delivery frame with its bad rows and shares; `rows` maps each raw table to its frame and decisions.

    A share is null, and so not judged, when the delivery brought fewer than bad_share_min_rows, or events
    than bad_event_share_min_events.
    """
    bad: dict[str, Counter[int]] = {
        table: Counter(int(delivery) for delivery in frame["delivery_id"].loc[list(decisions.quarantined)])
        for table, (frame, decisions) in rows.items()
        if decisions.quarantined
    }
    events = bad.pop("complaint_events", Counter())
    own: Counter[int] = sum(bad.values(), Counter())
    judged = deliveries.copy()
    judged["bad_rows"] = [own[delivery] for delivery in judged["delivery_id"]]
    judged["bad_events"] = [events[delivery] for delivery in judged["delivery_id"]]
    for share, part, whole, minimum in (
        ("bad_row_share", "bad_rows", "loaded_rows", bounds.bad_share_min_rows),
        ("bad_event_share", "bad_events", "loaded_events", bounds.bad_event_share_min_events),
    ):
        count = judged[whole].astype("int64")
        judged[share] = (judged[part] / count).where(count >= max(minimum, 1)).astype("double[pyarrow]")
    return judged


def decide_deliveries(
    deliveries: pd.DataFrame, run: Run, rows: Iterable[tuple[pd.DataFrame, RowDecisions]]
) -> list[Delivery]:
    """One verdict per received delivery: held by a critical rule over it, else pass, with or without quarantine.

    A delivery without rows gets one only if it broke a rule, for instance by being silent for too long.
    """
    broken: dict[int, list[Rule]] = defaultdict(list)
    for result in run.results:
        for row_id in result.row_ids:
            broken[row_id].append(result.rule)
    quarantine: dict[int, Counter[str]] = defaultdict(Counter)
    for frame, decisions in rows:
        owner = frame["delivery_id"].loc[list(decisions.quarantined)].to_dict()
        for row_id, rules in decisions.quarantined.items():
            kept_out_by = [rule.rule_id for rule in rules if rule.severity == "critical"]
            quarantine[int(owner[row_id])].update(kept_out_by)
    return [
        _delivery(record, broken[record["delivery_id"]], quarantine[record["delivery_id"]])
        for record in deliveries.to_dict("records")
        if record["state"] == "received" or broken[record["delivery_id"]]
    ]


def _delivery(record: dict[Any, Any], rules: list[Rule], quarantine: Counter[str]) -> Delivery:
    held = any(rule.severity == "critical" for rule in rules)
    verdict: DeliveryVerdict = "held" if held else "pass_with_quarantine" if quarantine else "pass"
    median = record["trailing_median"]
    sha256 = record["content_sha256"]
    return Delivery(
        delivery_id=int(record["delivery_id"]),
        agency_code=record["agency_code"],
        resource=record["resource"],
        attempt=int(record["attempt"]),
        received_rows=int(record["received_rows"]),
        loaded_rows=int(record["loaded_rows"]),
        bad_rows=int(record["bad_rows"]),
        trailing_median=None if pd.isna(median) else float(median),
        content_sha256=None if pd.isna(sha256) else sha256,
        has_quarantine=bool(quarantine),
        counts=json.loads(record["counts"]),
        verdict=verdict,
        rule_ids=[rule.rule_id for rule in rules] + sorted(quarantine),
        reasons=[_reason(rule, record) for rule in rules]
        + [
            f"{count} row{'s' if count > 1 else ''} quarantined by {rule_id}"
            for rule_id, count in sorted(quarantine.items())
        ],
    )


# What a reader wants to see beside a broken delivery rule: the measured figure, never a value of a row.
_MEASURED = {
    "bad_row_share": "{bad_rows} of {loaded_rows} rows",
    "bad_event_share": "{bad_events} of {loaded_events} events",
    "volume_plausible": "{loaded_rows} rows, trailing median {trailing_median:g}",
    "rows_as_stated": "{received_rows} rows, off by {rows_off_stated_total:g}",
    "volume_not_fallen": "{loaded_rows} rows, usual {trailing_median:g}",
    "silence_usual": "{nights_silent:g} nights, longest before {longest_silence:g}",
    "records_recent": "{hours_since_newest:.0f} hours",
    "status_mix_usual": "distance {mix_distance:.2f} of 1",
    "fields_known": "{unknown_field_count:g} unknown",
    "fields_present": "{missing_field_count:g} missing",
    "fields_of_one_kind": "{retyped_field_count:g} changed",
}


def _reason(rule: Rule, record: dict[Any, Any]) -> str:
    measured = _MEASURED.get(rule.rule_id, "").format(**record)
    return f"{rule.text_en} ({measured})" if measured else rule.text_en


def decide_night(run: Run, deliveries: Iterable[Delivery], released: Collection[str] = ()) -> NightVerdict:
    """held when a critical rule over the night is broken; otherwise whether anything at all was kept out.

    `released` are the rules in spite of which someone let the night be published.
    """
    broken = {result.rule.rule_id for result in run.results if result.rule.severity == "critical" and result.row_ids}
    if broken - set(released):
        return "held"
    return "passed" if all(delivery.verdict == "pass" for delivery in deliveries) else "passed_with_quarantine"
