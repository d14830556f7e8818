"""The gate's findings against the truth the simulator keeps aside. Pure: records in, counts out.

How a finding is matched to the truth: by agency, night and tracking id, the night being the first that shows the dirt.
A row without an id is matched by agency, night and time of receipt. A row that could not be taken apart has neither:
of those as many are caught as the agency's delivery of that night has, at most.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

CAUGHT_SHARE, WRONGLY_KEPT_OUT_SHARE = 0.99, 0.001  # the bars of docs/gate-accuracy.md
Mark = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of dirt and the rule that has to name it; without one it must be let in.

    A defect has to be kept out, another kind flagged (or kept out for something else, with the rule among the reasons).
    """

    name: str
    rule: str | None = None
    is_defect: bool = False
    known_by: Literal["id", "receipt", "number"] = "id"


KINDS = (
    Kind("unknown_status", "status_known", is_defect=True),
    Kind("missing_id", "key_present", is_defect=True, known_by="receipt"),
    Kind("closed_before_created", "closed_before_created", is_defect=True),
    Kind("unparsable_date", "dates_readable", is_defect=True),
    Kind("far_past", "received_at_plausible", is_defect=True),
    Kind("clock_skew", "occurred_before_cut_off", is_defect=True),
    Kind("ragged_row", "row_whole", is_defect=True, known_by="number"),
    Kind("short_text", "text_told"),
    Kind("foreign_text", "text_in_indonesian"),
    Kind("impossible_step", "transition_allowed"),
    Kind("wrong_region", "region_known"),
    Kind("mass_closing", "mass_closing"),
    Kind("duplicate"),
    Kind("messy_category"),
    Kind("messy_unit"),
    Kind("composite_channel"),
    Kind("number_id"),
)


@dataclass(frozen=True, slots=True)
class Dirt:
    """One kind of dirt of one record, as the truth has it; `night` is the first whose delivery shows it."""

    agency_code: str
    tracking_id: str
    kind: str
    night: date
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Finding:
    """One row of raw that the gate kept out or flagged, with the rules it broke; `received_at` of complaints only."""

    night: date
    agency_code: str
    tracking_id: str | None
    received_at: datetime | None
    rules: Collection[str]
    kept_out: bool


@dataclass(frozen=True, slots=True)
class Tally:
    """One kind that a rule has to catch. `false` are rows that broke the rule although their record is not of the kind.

    `drawn` and `visible` count records: those the simulator made so, and those that show it in some night's delivery.
    """

    kind: Kind
    drawn: int
    visible: int
    caught: int
    false: int

    @property
    def missed(self) -> int:
        """Visible, and not named by its rule on the night it first shows."""
        return self.visible - self.caught


@dataclass(frozen=True, slots=True)
class LetIn:
    """One kind that must not be stopped: records that show it, and those of them without a defect that were."""

    kind: Kind
    drawn: int
    visible: int
    kept_out: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """All kinds, and what happened to rows of records without a defect.

    `kept_out_by` and `flagged_by` count good rows by rule, without the flags that the record's own dirt explains.
    """

    tallies: list[Tally]
    let_in: list[LetIn]
    good_rows: int
    good_kept_out: int
    good_flagged: int
    kept_out_by: Counter[str]
    flagged_by: Counter[str]

    def caught_share(self, *, defects: bool | None = None) -> float:
        """Share of the visible dirt that was caught: of defects, of other kinds, or of all; 0 when none is visible."""
        chosen = [tally for tally in self.tallies if defects is None or tally.kind.is_defect == defects]
        visible = sum(tally.visible for tally in chosen)
        return sum(tally.caught for tally in chosen) / visible if visible else 0.0

    @property
    def wrongly_kept_out_share(self) -> float:
        """Share of the good rows that were kept out; 1 when there are none to judge by."""
        return self.good_kept_out / self.good_rows if self.good_rows else 1.0


def compare(
    dirt: Sequence[Dirt],
    drawn: Mapping[str, int],
    findings: Sequence[Finding],
    rows: Mapping[tuple[str, str | None], int],
) -> Comparison:
    """`rows`: how many rows of complaints and events came under each agency and tracking id (None: without one)."""
    defects = {kind.name for kind in KINDS if kind.is_defect}
    spoilt = {(one.agency_code, one.tracking_id) for one in dirt if one.kind in defects}
    by_kind = {kind: [one for one in dirt if one.kind == kind.name] for kind in KINDS}
    # A record with a defect is judged by it alone.
    judged = {
        kind: [one for one in ones if kind.is_defect or (one.agency_code, one.tracking_id) not in spoilt]
        for kind, ones in by_kind.items()
    }
    good = _Good(spoilt, by_kind)
    kept_out = [one for one in findings if one.kept_out and good.holds(one.agency_code, one.tracking_id)]
    flagged = [rules for one in findings if not one.kept_out and (rules := good.unexplained(one))]
    return Comparison(
        tallies=[_tally(kind, drawn[kind.name], judged[kind], by_kind[kind], findings) for kind in KINDS if kind.rule],
        let_in=[_let_in(kind, drawn[kind.name], judged[kind], kept_out) for kind in KINDS if not kind.rule],
        good_rows=sum(count for record, count in rows.items() if good.holds(*record)),
        good_kept_out=len(kept_out),
        good_flagged=len(flagged),
        kept_out_by=Counter(rule for one in kept_out for rule in one.rules),
        flagged_by=Counter(rule for rules in flagged for rule in rules),
    )


class _Good:
    """Which rows are of records without a defect, and which rules their other dirt breaks rightly.

    A row without an id can be anybody's: it is good only where its agency has no defect that takes the id away.
    """

    def __init__(self, spoilt: set[tuple[str, str]], dirt: Mapping[Kind, list[Dirt]]) -> None:
        self._spoilt = spoilt
        self._nameless = {one.agency_code for kind in dirt if kind.known_by != "id" for one in dirt[kind]}
        self._explained: dict[tuple[str, str | None], set[str]] = {}
        for kind, ones in dirt.items():
            for one in ones:
                if kind.rule:
                    self._explained.setdefault((one.agency_code, one.tracking_id), set()).add(kind.rule)

    def holds(self, agency_code: str, tracking_id: str | None) -> bool:
        """Whether such a row is a good one."""
        if tracking_id is None:
            return agency_code not in self._nameless
        return (agency_code, tracking_id) not in self._spoilt

    def unexplained(self, one: Finding) -> set[str]:
        """The rules a good row broke for no reason that the truth knows; none when the row is not good."""
        if not self.holds(one.agency_code, one.tracking_id):
            return set()
        return set(one.rules) - self._explained.get((one.agency_code, one.tracking_id), set())


def _tally(
    kind: Kind, drawn: int, dirt: Sequence[Dirt], all_of_kind: Sequence[Dirt], findings: Iterable[Finding]
) -> Tally:
    named = [one for one in findings if kind.rule in one.rules]
    caught = [one for one in named if one.kept_out or not kind.is_defect]
    wanted = Counter(_mark_of_dirt(kind, one) for one in dirt)
    found = Counter(mark for one in caught if (mark := _mark_of_finding(kind, one)))
    owners = {_record(_mark_of_dirt(kind, one)) for one in all_of_kind}
    return Tally(
        kind=kind,
        drawn=drawn,
        visible=len(dirt),
        caught=sum(
            min(count, found[mark]) if kind.known_by == "number" else count
            for mark, count in wanted.items()
            if found[mark]
        ),
        false=sum((mark := _mark_of_finding(kind, one)) is None or _record(mark) not in owners for one in named),
    )


def _let_in(kind: Kind, drawn: int, dirt: Sequence[Dirt], kept_out: Iterable[Finding]) -> LetIn:
    stopped = {(one.agency_code, one.tracking_id) for one in kept_out}
    stopped_of_kind = sum((one.agency_code, one.tracking_id) in stopped for one in dirt)
    return LetIn(kind, drawn, visible=len(dirt), kept_out=stopped_of_kind)


def _mark_of_dirt(kind: Kind, one: Dirt) -> Mark:
    match kind.known_by:
        case "id":
            return one.agency_code, one.night, one.tracking_id
        case "receipt":
            return one.agency_code, one.night, one.received_at
    return one.agency_code, one.night


def _mark_of_finding(kind: Kind, one: Finding) -> Mark | None:
    """None when the row cannot be of the kind: it has what the kind lacks, or lacks what the kind has."""
    match kind.known_by:
        case "id":
            return (one.agency_code, one.night, one.tracking_id) if one.tracking_id else None
        case "receipt":
            is_of_kind = one.tracking_id is None and one.received_at is not None
            return (one.agency_code, one.night, one.received_at) if is_of_kind else None
    return (one.agency_code, one.night) if one.tracking_id is None else None


def _record(mark: Mark) -> Mark:
    """Whose mark it is, whatever the night: a dirty record comes again when it changes."""
    agency_code, _, *rest = mark
    return agency_code, *rest
