"""What the last published night left in the marts, for a terminal of 100 columns.

Each section is a function from a cursor to lines, and is left out when it has nothing to tell: the same summary serves
the simulated nation and a handful of real files. Counts come from marts; only the interval of a summed rate is computed
here.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from psycopg2.extensions import cursor as Cursor

from reports.intervals import wilson_interval
from reports.language import date_long as day
from reports.terminal import heading, number, paragraph, percent, table

STAMP = "DATA SIMULASI, bukan kinerja sebenarnya"
MINIMUM_RECEIVED = 30  # below it a rate ranks luck: marts.md gives no rank under n = 30
RANKED = 5
LISTED = 12
NAMED = 5


@dataclass(frozen=True, slots=True)
class Night:
    """The last published night, and the months its summary speaks of."""

    night: date
    registry: str
    is_simulated: bool
    first_month: date
    last_month: date

    @property
    def months(self) -> dict[str, date]:
        """As parameters of a query."""
        return {"night": self.night, "first": self.first_month, "last": self.last_month}


def summarise(cursor: Cursor, published: Iterable[str] = ()) -> list[str]:
    """The summary's lines.

    published: codes of agencies whose recap is a figure published outside, shown beside what the warehouse counts.
    """
    night = last_night(cursor)
    if night is None:
        return ["No night has been published yet. Run one: make demo"]
    lines = [f"SP4N-LAPOR!  registry {night.registry}, cut-off {day(night.night)} 24:00 WIB"]
    if night.is_simulated:
        lines += [f"*** {STAMP} ***", "The names are real; the figures are not, except where called published."]
    sections: list[Callable[[Cursor, Night], list[str]]] = [
        funnel, coverage, ranking, satisfaction, recaps, kept_out, accounting,
    ]  # fmt: skip
    for section in sections:
        lines += section(cursor, night)
        if section is ranking:
            for agency_code in published:
                lines += published_agency(cursor, night, agency_code)
    return lines + look_next(night)


def last_night(cursor: Cursor) -> Night | None:
    """The last published night; its period is its half-year, or every month there is if that one is empty."""
    cursor.execute(
        "select night, registry, is_simulated from ops.nights where published_at is not null order by night desc"
    )
    row = cursor.fetchone()
    if row is None:
        return None
    night, registry, is_simulated = row
    first = date(night.year, 1 if night.month <= 6 else 7, 1)
    cursor.execute(
        "select min(month), max(month), bool_or(month between %(first)s and %(night)s)"
        " from marts.rpt_agency_performance_monthly where received_count > 0",
        {"first": first, "night": night},
    )
    earliest, latest, has_semester = _one(cursor)
    last = date(night.year, night.month, 1)
    if has_semester or earliest is None:
        return Night(night, registry, is_simulated, first, last)
    return Night(night, registry, is_simulated, earliest, latest)


def funnel(cursor: Cursor, night: Night) -> list[str]:
    """How far the nation's complaints got; each counted once, whoever had it."""
    cursor.execute(
        "select sum(received_count), sum(routed_count), sum(followed_up_count), sum(completed_count),"
        " sum(completed_automatic_count) from marts.rpt_national_performance_monthly"
        " where month between %(first)s and %(last)s",
        night.months,
    )
    received, routed, followed_up, completed, by_itself = _one(cursor)
    if not received:
        return []
    steps = [
        ("received (laporan masuk)", received),
        ("routed to an agency (terdisposisi)", routed),
        ("followed up (ditindaklanjuti)", followed_up),
        ("completed (selesai)", completed),
        ("  of which closed by the system (otomatis)", by_itself),
    ]
    rows = [(step, number(count), percent(count / received)) for step, count in steps]
    return heading(f"Complaints received {_period(night)}, each counted once") + table(
        ("reached by the cut-off", "n", "of received"), rows
    )


def coverage(cursor: Cursor, night: Night) -> list[str]:
    """Who was expected to deliver complaints on the last night, who did, and why the others did not."""
    cursor.execute(
        "select sum(expected_count), sum(delivered_count), sum(empty_count), sum(late_count), sum(failed_count),"
        " sum(held_count), sum(not_connected_count) from marts.rpt_coverage_daily where night = %(night)s",
        night.months,
    )
    expected, *counts = _one(cursor)
    if not expected:
        return []
    states = ["delivered", "nothing new (empty)", "late", "failed", "held by the gate", "not connected"]
    told = ", ".join(f"{number(count)} {state}" for state, count in zip(states, counts, strict=True) if count)
    lines = heading(f"Coverage (kelengkapan data), night {day(night.night)}")
    share = percent((counts[0] + counts[1]) / expected)
    lines += paragraph(f"Agencies expected: {number(expected)}. Of these {told}. Coverage {share}.")
    cursor.execute(
        "select case when deliveries.gate_verdict = 'held' then 'held' else deliveries.state end,"
        " coalesce(array_to_string(deliveries.gate_reasons, '; '), deliveries.reason, 'no reason given') as why,"
        " count(*), array_agg(agencies.name order by agencies.name)"
        " from marts.fct_deliveries as deliveries"
        " inner join marts.dim_agencies as agencies"
        " on deliveries.agency_code = agencies.agency_code and agencies.is_current"
        " where deliveries.night = %(night)s and deliveries.resource = 'complaints'"
        " and (deliveries.state not in ('received', 'empty') or deliveries.gate_verdict not like 'pass%%')"
        " group by 1, 2 order by 3 desc, 1, 2",
        night.months,
    )
    return lines + _listed(cursor.fetchall(), lambda row: f"- {row[0]}: {_named(row[3])}. {row[1]}")


def ranking(cursor: Cursor, night: Night) -> list[str]:
    """The best and the worst follow-up rates, central and local government apart."""
    cursor.execute(
        "select kind in ('kementerian', 'lembaga'), agency_name, kind,"
        " sum(received_count)::integer, sum(followed_up_count)::integer"
        " from marts.rpt_agency_performance_monthly where month between %(first)s and %(last)s"
        " group by agency_code, agency_name, kind having sum(received_count) >= %(minimum)s"
        " order by sum(followed_up_count)::numeric / sum(received_count) desc, sum(received_count) desc, agency_name",
        {**night.months, "minimum": MINIMUM_RECEIVED},
    )
    agencies = cursor.fetchall()
    lines: list[str] = []
    for is_central, whose in ((True, "ministries and institutions"), (False, "provinces, regencies and cities")):
        ranked = [row[1:] for row in agencies if row[0] == is_central]
        if not ranked:
            continue
        best, worst = ranked[:RANKED], ranked[RANKED:][-RANKED:]
        header = (f"{number(len(ranked))} {whose}", "kind", "n", "followed up", "rate", "95 %")
        rows = [_rate_row(*row) for row in best]
        if worst:
            rows += [("  ...", "", "", "", "", ""), *(_rate_row(*row) for row in worst)]
        lines += ["", *table(header, rows, left=2)] if lines else table(header, rows, left=2)
    title = f"Follow-up rates (tindak lanjut), {RANKED} best and {RANKED} worst of those with n >= {MINIMUM_RECEIVED}"
    return [*heading(title), *lines] if lines else []


def published_agency(cursor: Cursor, night: Night, agency_code: str) -> list[str]:
    """An agency's own published totals beside what its complaints add up to."""
    cursor.execute(
        "select agency_name, sum(received_count)::integer, sum(routed_count)::integer, sum(followed_up_count)::integer,"
        " sum(completed_count)::integer, sum(on_hold_count)::integer"
        " from marts.rpt_agency_performance_monthly"
        " where agency_code = %(agency_code)s and month between %(first)s and %(last)s group by agency_name",
        {**night.months, "agency_code": agency_code},
    )
    row = cursor.fetchone()
    if row is None:
        return []
    name, *counts = row
    figures = ["received", "routed", "followed_up", "completed", "on_hold"]
    cursor.execute(
        "select figure, stated_count, verdict from marts.rpt_recap_reconciliation"
        " where subject_code = %(agency_code)s and period_start >= %(first)s and period_end <= %(night)s",
        {**night.months, "agency_code": agency_code},
    )
    stated = {figure: (count, verdict) for figure, count, verdict in cursor.fetchall()}
    rows = []
    for figure, count in zip(figures, counts, strict=True):
        said, verdict = stated.get(figure, (None, "not stated"))
        share = percent(count / counts[0]) if counts[0] else "-"
        rows.append((figure.replace("_", " "), number(count), share, number(said), verdict))
    header = ("", "warehouse", "of received", "published", "verdict")
    lines = heading(f"{name}, {_period(night)}: published totals, reproduced") + table(header, rows)
    return lines + paragraph("Published: the totals it states in its own recap, delivered as resource recaps.")


def satisfaction(cursor: Cursor, night: Night) -> list[str]:
    """The waves of the survey of LAPOR! users, when one of them was computed from delivered answers."""
    cursor.execute(
        "select wave, value, respondent_count, margin_of_error, sampling_frame, basis, value_published, source,"
        " attribute_values from marts.rpt_national_satisfaction where metric_kind = 'TOP2BOX_LAPOR' order by wave"
    )
    waves = cursor.fetchall()
    computed = [wave for wave in waves if wave[5] == "computed"]
    if not computed:
        return []
    lines = heading(
        "Satisfaction (kepuasan pengguna LAPOR!): share puas + sangat puas, mean over attributes; not an IKM"
    )
    rows = [
        (str(wave), frame, f"{value} %", number(n), "-" if margin is None else f"{margin} %", basis)
        for wave, value, n, margin, frame, basis, *_ in waves
    ]
    lines += table(("wave", "frame", "value", "n", "margin", "basis"), rows, left=2)
    for wave, value, _, _, _, _, published, source, attributes in computed:
        lines += paragraph(f"{wave}: {value} % from the delivered answers; published {published} % ({source}).")
        scores = sorted((attributes or {}).items(), key=lambda item: -item[1])
        if scores:
            lines += paragraph(
                f"Highest: {_attribute(*scores[0])}, {_attribute(*scores[1])}; lowest: {_attribute(*scores[-1])}."
            )
    return lines


def recaps(cursor: Cursor, night: Night) -> list[str]:
    """What agencies state about themselves, and how many of those recaps do not hold together."""
    cursor.execute(
        "select recap_verdict, count(distinct (agency_code, subject_code, period_start, period_end)),"
        " count(distinct subject_code), min(period_start), max(period_end)"
        " from marts.rpt_recap_reconciliation group by recap_verdict order by 2 desc"
    )
    verdicts = cursor.fetchall()
    if not verdicts:
        return []
    total = sum(row[1] for row in verdicts)
    lines = heading(f"Recaps that agencies state about themselves: {number(total)}")
    periods = [
        (verdict, number(n), number(agencies), f"{day(first)} - {day(last)}")
        for verdict, n, agencies, first, last in verdicts
    ]
    lines += table(("recap", "recaps", "agencies", "periods"), periods)
    cursor.execute(
        "select count(distinct (agency_code, subject_code, period_start, period_end)) filter (where not parts_add_up),"
        " count(distinct (agency_code, subject_code, period_start, period_end)) filter (where is_stale_copy)"
        " from marts.rpt_recap_reconciliation"
    )
    broken, stale = _one(cursor)
    lines += paragraph(f"{number(broken)} whose parts do not add up, {number(stale)} that repeat the period before.")
    cursor.execute(
        "select verdict, count(*) from marts.rpt_recap_reconciliation"
        " where verdict in ('agrees', 'within rounding', 'differs')"
        " group by verdict order by 2 desc"
    )
    against = ", ".join(f"{number(count)} {verdict}" for verdict, count in cursor.fetchall())
    return lines + (paragraph(f"Figures against our own count: {against}.") if against else [])


def kept_out(cursor: Cursor, night: Night) -> list[str]:
    """What the gate kept out of the marts: rows by rule, and whole deliveries with their reasons."""
    cursor.execute(
        "select broken.rule_id, records.table_name, count(*), count(distinct records.agency_code)"
        " from quality.quarantined_record as records cross join unnest(records.rule_ids) as broken (rule_id)"
        " where records.status in ('open', 'discarded')"
        # A row kept out carries its warnings too; they are not what keeps it out.
        " and exists (select from quality.rule_history as history"
        " where history.rule_id = broken.rule_id and history.severity = 'critical')"
        " group by 1, 2 order by 3 desc, 1, 2"
    )
    rules = [(rule, where, number(rows), number(agencies)) for rule, where, rows, agencies in cursor.fetchall()]
    cursor.execute(
        "select deliveries.night, agencies.name, deliveries.resource, deliveries.held_count,"
        " coalesce(array_to_string(deliveries.gate_reasons, '; '), '')"
        " from marts.fct_deliveries as deliveries"
        " inner join marts.dim_agencies as agencies"
        " on deliveries.agency_code = agencies.agency_code and agencies.is_current"
        " where deliveries.gate_verdict = 'held' order by 1, 2"
    )
    held = cursor.fetchall()
    lines = heading("Kept out by the gate (karantina), all nights")
    lines += table(("rule", "of", "rows", "agencies"), rules, left=2) if rules else ["  No row is quarantined."]
    if not held:
        return [*lines, "  No delivery is held."]
    return [
        *lines,
        f"  Held deliveries: {number(len(held))}",
        *_listed(held, lambda row: f"- {row[0]} {row[1]}, {row[2]}, {number(row[3])} rows. {row[4]}"),
    ]


def accounting(cursor: Cursor, night: Night) -> list[str]:
    """Where every row that was handed over went."""
    cursor.execute(
        "select resource, sum(received_count), sum(accepted_count), sum(quarantined_count), sum(held_count),"
        " sum(superseded_count) from marts.fct_deliveries group by resource"
        " union all select 'complaints: events', sum(received_event_count), sum(accepted_event_count),"
        " sum(quarantined_event_count), sum(held_event_count), sum(superseded_event_count)"
        " from marts.fct_deliveries having sum(received_event_count) > 0 order by 1"
    )
    rows = []
    for resource, received, *parts in cursor.fetchall():
        rows.append(
            (resource, *(number(int(n)) for n in (received, *parts)), "yes" if received == sum(parts) else "NO")
        )
    if not rows:
        return []
    header = ("resource", "received", "= accepted", "+ quarantined", "+ held", "+ superseded", "adds up")
    return heading("Every row accounted for, all nights") + table(header, rows)


def look_next(night: Night) -> list[str]:
    """Queries a reader can type now."""
    lines = heading("Where to look next")
    lines += [
        '  make sql Q="select * from marts.rpt_coverage_daily order by night desc limit 20"',
        '  make sql Q="select agency_name, month, received_count, completed_rate, completed_rate_low,',
        '              completed_rate_high from marts.rpt_agency_performance_monthly limit 20"',
        '  make sql Q="select rule_ids, reasons, count(*) from quality.quarantined_record group by 1, 2"',
        '  make sql Q="\\d+ marts.fct_complaints"      what every column means',
    ]
    return [*lines, f"  {STAMP}"] if night.is_simulated else lines


def _one(cursor: Cursor) -> tuple[Any, ...]:
    row = cursor.fetchone()
    assert row is not None, "an aggregate without group by has one row"
    return row


def _period(night: Night) -> str:
    first, last = day(night.first_month).split(" ", 1)[1], day(night.last_month).split(" ", 1)[1]
    return first if first == last else f"{first} - {last}"


def _rate_row(name: str, kind: str, received: int, followed_up: int) -> tuple[str, ...]:
    interval = wilson_interval(followed_up, received)
    assert interval is not None, "ranked agencies have received something"
    low, high = interval
    return (
        name,
        kind,
        number(received),
        number(followed_up),
        percent(followed_up / received),
        f"{100 * low:.1f} - {100 * high:.1f}",
    )


def _attribute(name: str, share: float) -> str:
    return f"{name.replace('_', ' ')} {share} %"


def _named(names: list[str]) -> str:
    """The first few names, and how many more there are."""
    more = f" and {number(len(names) - NAMED)} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _listed(rows: list[tuple[Any, ...]], say: Callable[[tuple[Any, ...]], str]) -> list[str]:
    lines = [line for row in rows[:LISTED] for line in paragraph(say(row), "    ")]
    return [*lines, f"    and {number(len(rows) - LISTED)} more"] if len(rows) > LISTED else lines
