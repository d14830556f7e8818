"""What suites find and what the gate decides, as plain data passed between its parts."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

from quality.rules import Rule

DeliveryVerdict = Literal["pass", "pass_with_quarantine", "held"]
NightVerdict = Literal["passed", "passed_with_quarantine", "held"]


@dataclass(frozen=True, slots=True)
class RuleResult:
    """One rule over one frame: how many rows it looked at, and the row_ids that broke it."""

    rule: Rule
    element_count: int
    row_ids: list[int]


@dataclass(frozen=True, slots=True)
class Run:
    """One suite over one frame. `answer` is Great Expectations' own result, None when there were no rows to judge."""

    name: str
    suite_hash: str
    row_count: int
    results: list[RuleResult]
    started_at: datetime
    finished_at: datetime
    answer: Any = None


@dataclass(frozen=True, slots=True)
class RowDecisions:
    """Of one raw table: the rows to keep out with every rule they broke, and the flags of rows that go in."""

    table: str
    quarantined: dict[int, list[Rule]]
    flags: dict[str, list[int]]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One received delivery with its verdict; `attempt` says for which loading of it the verdict holds."""

    delivery_id: int
    agency_code: str
    resource: str
    attempt: int
    received_rows: int
    loaded_rows: int
    bad_rows: int
    trailing_median: float | None
    content_sha256: str | None
    has_quarantine: bool
    counts: dict[str, int]
    verdict: DeliveryVerdict
    rule_ids: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the gate decided on a night. `changed`: whether other rows than before enter the marts."""

    night: date
    attempt: int
    verdict: NightVerdict
    runs: list[Run]
    rows: list[RowDecisions]
    deliveries: list[Delivery]
    changed: bool = True
