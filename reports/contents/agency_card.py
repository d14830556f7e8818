"""A scorecard in the making: whose it is, what the marts say of it, and what of that must not be shown."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from reports.contents.agency_figures import World, window_members
from reports.contents.frame import FAMILY, Basis, SmallCells, base_cell
from reports.intervals import wilson_interval
from reports.periods import Period

REASONS = {
    "connected_in_window": "baru terhubung dalam rentang ini",
    "no_nights_in_window": "belum ada data masuk dalam rentang ini",
    "coverage_below_90": "kelengkapan datanya di bawah 90%",
    "n_below_10": "data tidak cukup (n < 10)",
    "n_below_30": "data tidak cukup untuk peringkat (n < 30)",
    "too_few_peers": "kelompok sebandingnya terlalu kecil",
}


@dataclass(frozen=True, slots=True)
class Card:
    """What every section of one scorecard looks at."""

    basis: Basis
    world: World
    small: SmallCells
    quantiles: Mapping[tuple[str, str, str], tuple[float, ...]]

    @property
    def period(self) -> Period:
        return self.basis.period

    @property
    def is_hidden(self) -> bool:
        """Whether the period's complaints are too few to show anything of them."""
        return self.hides(self.period.months)

    def hides(self, months: Iterable[date]) -> bool:
        return self.small.hides(FAMILY, {base_cell(self.world.code, month) for month in months})

    @property
    def window(self) -> dict[str, Any] | None:
        """The comparison of follow-up; None where there is none or it must not be shown."""
        window = self.world.comparison.get("followed_up_rate")
        if window is None or self.small.hides(FAMILY, window_members(self.world.code, window)):
            return None
        return window

    def why_no_rank(self) -> str:
        """Why the agency has no rank, as a note says it."""
        window = self.world.comparison.get("followed_up_rate")
        if window is None:
            return "belum ada perbandingan untuk periode ini"
        return REASONS.get(window["not_comparable_reason"], "tidak diperingkat")


def wilson_bounds(part: int, whole: int) -> tuple[Decimal | None, Decimal | None]:
    """95 % bounds of part / whole, as shares of 1; None twice where there is no whole."""
    interval = wilson_interval(part, whole)
    return (None, None) if interval is None else (Decimal(str(interval[0])), Decimal(str(interval[1])))
