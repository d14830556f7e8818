"""The page a data engineer opens in the morning: what the night needs from a person, and how the nights have gone.

One HTML file that stands alone, written whole or not at all. It shows counts, codes, places and our own words; no value
of any row, and not what the loader said about one. Building it reads the tables and changes nothing.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from zoneinfo import ZoneInfo

from quality.alert import RED_NIGHTS, Alert, compose_alert
from quality.charts import HEIGHT, bars, crosses, marks
from quality.markup import SIMULATED, render, replace_file
from quality.page_facts import HELD_SHOWN, Facts, HeldDelivery, NightFacts, RuleNight, read_facts
from quality.rules import Rule
from quality.suites import rules_by_id
from quality.suites.phrases import RELEASE
from warehouse.settings import settings

WIB = ZoneInfo("Asia/Jakarta")
USUAL_NIGHTS = 28
# A young warehouse shows thin columns at the right of a mostly empty chart, as an old one does, and not four wide ones.
SLOTS_AT_LEAST = 21
VERDICTS = {
    "passed": "passed",
    "passed_with_quarantine": "passed, with rows or deliveries kept out",
    "held": "held, and so not published",
    "released": "held, and released by name: gate it again",
    "error": "not evaluated",
    None: "not judged yet",
}
_SWATCHES = {
    "passed": marks([0], 0.3), "quarantine": marks([0], 0.6), "held": marks([0], 1), "error": crosses([0]),
    "missing": crosses([0]), "critical": marks([0], 1), "warning": marks([0], 1),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shape:
    """One path of a chart; `kind` is its class in page.css and names what it means."""

    kind: str
    path: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A row of columns, one a night: `figure` is tonight's, `told` says in words what the shapes show."""

    label: str
    figure: str
    told: str
    shapes: list[Shape]
    most: int = 0


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A rule over the shown nights; `usual` is the median of the judged nights before its last one."""

    last: RuleNight
    usual: float | None
    most: int
    chart: Chart


@dataclass(frozen=True, slots=True)
class HeldGroup:
    """Held deliveries by the first rule that holds them, so that what to do is said once."""

    rule_id: str
    tonight: list[HeldDelivery]
    earlier: list[HeldDelivery]


def write_page(night: date, folder: Path | None = None) -> Path:
    """Write the page of a night to `<folder>/index.html` and return where; the folder is `<state>/site/quality`.

    Raises NotEvaluated if the night was never opened; a night that was not judged, or not to the end, has a page.
    """
    rules = rules_by_id()
    facts = read_facts(night, rules)
    path = (folder or settings().state_dir / "site" / "quality") / "index.html"
    replace_file(path, render("page.html", **_values(facts, compose_alert(night), rules)))
    return path


def _values(facts: Facts, alert: Alert, rules: dict[str, Rule]) -> dict[str, object]:
    slots = max(len(facts.nights), SLOTS_AT_LEAST)
    rows = _rule_rows(facts, slots)
    return {
        "facts": facts,
        "alert": alert,
        "rules": rules,
        "verdict": VERDICTS[_verdict(facts.tonight)],
        "verdicts": {night.night: VERDICTS[_verdict(night)] for night in facts.nights},
        "waiting": _waiting(facts),
        "tiles": _tiles(facts),
        "slots": slots,
        "height": HEIGHT,
        "charts": _night_charts(facts, slots),
        "held": _held_groups(facts.tonight.night, facts.held[:HELD_SHOWN]),
        "held_more": len(facts.held) - HELD_SHOWN,
        "strips": {agency.agency_code: _strip(facts, agency.nights, agency.marks, slots) for agency in facts.agencies},
        "broken": [row for row in rows if row.most],
        "kept": [row for row in rows if not row.most],
        "lasting": sorted(
            (row for row in rows if row.last.red_nights >= RED_NIGHTS), key=lambda row: -row.last.red_nights
        ),
        "flags": [row for row in rows if row.last.night == facts.tonight.night and row.last.severity == "warning"
                  and row.last.broken],
        "red_nights": RED_NIGHTS,
        "simulated": SIMULATED,
        "wib": WIB,
        "day": timedelta(days=1),
        "swatches": _SWATCHES,
        "what_to_do": what_to_do,
    }  # fmt: skip


def what_to_do(rule: Rule) -> str:
    """The rule's action without the command in general form: the page gives it for each delivery."""
    return rule.action.removesuffix(RELEASE).rstrip()


def _verdict(night: NightFacts) -> str | None:
    return "released" if night.verdict == "held" and night.released_by else night.verdict


def _waiting(facts: Facts) -> str:
    """What waits for a person besides what is new, in a sentence; empty if nothing does."""
    _, open_rows = facts.statuses.get("open", (0, 0))
    parts = []
    if facts.held:
        parts.append(f"{len(facts.held):,} held {'delivery' if len(facts.held) == 1 else 'deliveries'}")
    if open_rows:
        ours = f", {facts.open_ours:,} of them for a data engineer to mend" if facts.open_ours else ""
        parts.append(f"{open_rows:,} row{'' if open_rows == 1 else 's'} in quarantine{ours}")
    return " and ".join(parts)


def _tiles(facts: Facts) -> list[tuple[str, str, str]]:
    """Headline figures: what, how much, and what is usual."""
    tonight = facts.tonight
    before = [night for night in facts.nights[:-1] if night.standing_attempt is not None][-USUAL_NIGHTS:]

    def usual(values: Sequence[float]) -> str:
        return f"usually {median(values):,.0f}" if values else "no earlier night"

    expected = f"{tonight.expected:,} expected"
    share = f"{tonight.delivered / tonight.expected:.1%} of {expected}" if tonight.expected else expected
    in_all = sum(count for _, count in facts.statuses.values())
    return [
        ("Nightly deliveries that came", f"{tonight.delivered:,}", share),
        ("Deliveries held tonight", f"{tonight.held:,}", usual([night.held for night in before])),
        ("Rows kept out tonight", f"{tonight.quarantined:,}", usual([night.quarantined for night in before])),
        ("Rows in quarantine, open", f"{facts.statuses.get('open', (0, 0))[1]:,}", f"of {in_all:,} ever kept out"),
    ]


def _held_groups(night: date, held: Sequence[HeldDelivery]) -> list[HeldGroup]:
    groups: dict[str, HeldGroup] = {}
    for delivery in held:
        rule_id = delivery.rule_ids[0] if delivery.rule_ids else "no rule named"
        group = groups.setdefault(rule_id, HeldGroup(rule_id, [], []))
        (group.tonight if delivery.night == night else group.earlier).append(delivery)
    return sorted(groups.values(), key=lambda group: (-len(group.tonight), -len(group.earlier), group.rule_id))


def _night_charts(facts: Facts, slots: int) -> list[Chart]:
    padding = [0] * (slots - len(facts.nights))
    delivered = [*padding, *(night.delivered for night in facts.nights)]
    expected = [*padding, *(night.expected for night in facts.nights)]
    most = max(expected)
    return [
        _verdict_chart(facts, slots),
        Chart("Delivered of expected", f"{delivered[-1]:,} of {expected[-1]:,}",
              f"At most {max(delivered):,} deliveries came a night, at most {most:,} were expected.",
              [Shape("expected", bars(expected, most)), Shape("delivered", bars(delivered, most))]),
        _count_chart("Rows kept out", "quarantine", [*padding, *(night.quarantined for night in facts.nights)]),
        _count_chart("Deliveries held", "held", [*padding, *(night.held for night in facts.nights)]),
    ]  # fmt: skip


def _count_chart(label: str, kind: str, counts: Sequence[int]) -> Chart:
    most = max(counts)
    told = f"Tonight {counts[-1]:,}, at most {most:,} a night."
    return Chart(label, f"{counts[-1]:,}", told, [Shape(kind, bars(counts, most))], most)


def _verdict_chart(facts: Facts, slots: int) -> Chart:
    start = slots - len(facts.nights)
    places: dict[str | None, list[int]] = defaultdict(list)
    for place, night in enumerate(facts.nights, start=start):
        places[_verdict(night)].append(place)
    told = ", ".join(f"{VERDICTS[verdict]}: {len(found)}" for verdict, found in places.items())
    return Chart("Verdict", "", f"Nights by verdict: {told}.", [
        Shape("passed", marks(places["passed"], 0.3)),
        Shape("quarantine", marks(places["passed_with_quarantine"], 0.6)),
        Shape("held", marks([*places["held"], *places["released"]], 1)),
        Shape("error", crosses(places["error"])),
    ])  # fmt: skip


def _strip(facts: Facts, nights: Sequence[date], letters: str, slots: int) -> Chart:
    """The nights of one agency, by the worst of its deliveries each."""
    last = facts.tonight.night
    places: dict[str, list[int]] = defaultdict(list)
    for night, letter in zip(nights, letters, strict=True):
        places[letter].append(slots - 1 - (last - night).days)
    told = (f"held on {len(places['h'])} nights, rows in quarantine on {len(places['q'])}, no answer on "
            f"{len(places['m'])}, passed on {len(places['p'])}")  # fmt: skip
    return Chart("", "", told, [
        Shape("passed", marks(places["p"], 0.3)),
        Shape("quarantine", marks(places["q"], 0.6)),
        Shape("held", marks(places["h"], 1)),
        Shape("missing", crosses(places["m"])),
    ])  # fmt: skip


def _rule_rows(facts: Facts, slots: int) -> list[RuleRow]:
    """Every rule judged on the shown nights, those most broken on their last night first."""
    by_rule: dict[str, list[RuleNight]] = defaultdict(list)
    for entry in facts.history:
        by_rule[entry.rule_id].append(entry)
    rows = [_rule_row(facts, entries, slots) for entries in by_rule.values()]
    return sorted(rows, key=lambda row: (-row.last.broken, -row.most, row.last.rule_id))


def _rule_row(facts: Facts, entries: list[RuleNight], slots: int) -> RuleRow:
    last = entries[-1]
    before = [entry.broken for entry in entries[:-1]][-USUAL_NIGHTS:]
    most = max(entry.broken for entry in entries)
    counts = [0] * slots
    for entry in entries:
        counts[slots - 1 - (facts.tonight.night - entry.night).days] = entry.broken
    told = f"{last.rule_id}: broken on {sum(map(bool, counts))} of {len(entries)} judged nights, at most {most:,} times"
    chart = Chart("", "", told, [Shape(last.severity, bars(counts, most))])
    return RuleRow(last, median(before) if before else None, most, chart)
