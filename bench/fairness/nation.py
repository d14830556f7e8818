"""A pretended nation whose truth is known: how good each agency is, and the year of complaints that this made.

Volumes are lognormal (median 30, sigma 1.45), long-run rates Beta(2, 1.2), as the statistics were chosen on. Three
things are drawn for each complaint, independently, and stand in columns of their own: whether its completion was
within the limit (the agency's own rate), whether it was routed once (the same chance everywhere: nobody differs), and
the working days to its first follow-up (exponential, with the agency's own mean; what lies after the cut-off has not
happened yet).
"""

import io
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

KINDS = {"kabupaten": 416, "kota": 98, "lembaga": 75, "kementerian": 34, "provinsi": 34}
AGENCIES = [(f"{kind[:3].upper()}-{number:03}", kind) for kind, size in KINDS.items() for number in range(1, size + 1)]
FIRST_DAY, CUT_OFF = date(2021, 1, 1), date(2021, 12, 31)
DAYS = [FIRST_DAY + timedelta(days=day) for day in range((CUT_OFF - FIRST_DAY).days + 1)]
SAME_RATE = 0.7
COLUMNS = (
    "source_system", "tracking_id", "agency_code", "is_open", "status_code", "report_class", "category_id",
    "reassigned_count", "reopened_count", "response_pause_working_days", "completion_pause_working_days",
    "received_at", "received_date", "received_month", "routed_at", "followed_up_at",
    "first_response_working_days", "is_first_response_due", "is_completion_due", "completion_outcome",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Nation:
    """The truth of each agency, in the order of AGENCIES, and the complaints it led to."""

    rates: NDArray[np.float64]
    mean_days: NDArray[np.float64]
    volumes: NDArray[np.int64]
    owners: NDArray[np.int64]  # of each complaint: the index of its agency
    days: NDArray[np.int64]  # of receipt and routing, from FIRST_DAY
    is_met: NDArray[np.bool_]
    is_routed_once: NDArray[np.bool_]
    response_days: NDArray[np.int64]

    @property
    def median_days(self) -> NDArray[np.float64]:
        """First whole day by which half of an agency's complaints are followed up, in the long run."""
        return np.asarray(np.maximum(np.ceil(self.mean_days * np.log(2)) - 1, 0))

    @property
    def mean_whole_days(self) -> NDArray[np.float64]:
        """Long-run mean of the whole days to the first follow-up."""
        return np.asarray(1 / np.expm1(1 / self.mean_days))


def draw(seed: int) -> Nation:
    """The nation of a seed: always the same one."""
    random = np.random.default_rng(seed)
    size = len(AGENCIES)
    volumes = np.round(random.lognormal(np.log(30), 1.45, size)).astype(np.int64)
    rates = random.beta(2, 1.2, size)
    mean_days = random.lognormal(np.log(25), 0.4, size)
    owners = np.repeat(np.arange(size), volumes)
    return Nation(
        rates,
        mean_days,
        volumes,
        owners,
        days=random.integers(0, len(DAYS), owners.size),
        is_met=random.random(owners.size) < rates[owners],
        is_routed_once=random.random(owners.size) < SAME_RATE,
        response_days=np.floor(random.exponential(mean_days[owners])).astype(np.int64),
    )


def rows(
    nation: Nation, start_index: dict[date, int], date_of_index: dict[int, date], cut_off_index: int
) -> io.StringIO:
    """The complaints as rows of fct_assignments, for COPY: tab-separated COLUMNS.

    start_index: working-day index of day 0 of a clock that starts on a date; date_of_index: the working day of an
    index.
    """
    text = io.StringIO()
    for number, (owner, day) in enumerate(zip(nation.owners.tolist(), nation.days.tolist(), strict=True)):
        received, response_days = DAYS[day], int(nation.response_days[number])
        answered_index = start_index[received] + response_days
        is_answered = answered_index <= cut_off_index
        fields = (
            "bench", str(number), AGENCIES[owner][0], "t", "DIPROSES" if is_answered else "TERDISPOSISI",
            "PENGADUAN", "JALAN",
            "0" if nation.is_routed_once[number] else "1", "0", "0", "0",
            f"{received} 03:00+00", str(received), str(received.replace(day=1)), f"{received} 03:00+00",
            f"{date_of_index[answered_index]} 09:00+00" if is_answered else r"\N",
            str(response_days) if is_answered else r"\N", "f", "t", "met" if nation.is_met[number] else "missed",
        )  # fmt: skip
        text.write("\t".join(fields) + "\n")
    text.seek(0)
    return text
