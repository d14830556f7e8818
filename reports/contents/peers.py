"""How reports draw and word where an agency lies among its peers: the limits of a funnel, as the marts judge them."""

from collections.abc import Sequence
from math import sqrt

from reports.charts import FunnelLimit

Z_95, Z_998 = 1.959964, 3.090232  # limits of 95 % and 99.8 %: Spiegelhalter 2005
LIMIT_STEPS = 40
POSITIONS = {
    "above 99.8": "di atas batas 99,8%",
    "above 95": "di atas batas 95%",
    "within": "dalam batas",
    "below 95": "di bawah batas 95%",
    "below 99.8": "di bawah batas 99,8%",
}
POSITIONS_SHORT = {position: words.replace(" batas ", " ") for position, words in POSITIONS.items()}  # for a table
POSITIONS_HELP = (
    "Letak terhadap batas yang dilewati secara kebetulan oleh 5% atau 0,2% instansi sekelompok (diagram corong)."
)


def short_name(agency_name: str) -> str:
    """As a chart of one kind of agency names it: without Pemerintah Kabupaten, Kota, or Provinsi."""
    for kind in ("Kabupaten", "Kota", "Provinsi"):
        agency_name = agency_name.removeprefix(f"Pemerintah {kind} ")
    return agency_name


def funnel_limits(target: float, tau_squared: float, counts: Sequence[int]) -> list[FunnelLimit]:
    """95 % and 99.8 % limits about the target at counts from the smallest to the largest, evenly on a log scale.

    As the mart judges (funnel_z_adjusted): s^2 = target (1 - target) / n, widened by the variance between agencies.
    """
    low, high = max(min(counts), 1), max(counts)
    limits = []
    for step in range(LIMIT_STEPS + 1):
        n = low * (high / low) ** (step / LIMIT_STEPS)
        deviation = sqrt(target * (1 - target) / n + tau_squared)
        near, far = Z_95 * deviation, Z_998 * deviation
        limits.append(
            FunnelLimit(
                n, max(target - near, 0.0), min(target + near, 1.0), max(target - far, 0.0), min(target + far, 1.0)
            )
        )
    return limits
