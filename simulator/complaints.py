"""The table of all records, one column an array: what the world is made of."""

from dataclasses import dataclass

from simulator.lifecycle import Flags
from simulator.workdays import Seconds


@dataclass(frozen=True, slots=True)
class Complaints:
    """One value per agency's record of a complaint, ordered by agency and receipt; times are seconds since 1970 UTC.

    A complaint that was moved is two records with one number. The agency has a record from `visible_from` on.
    """

    agency: Seconds
    number: Seconds
    serial: Seconds
    times: Seconds
    automatic: Flags
    automatic_again: Flags
    visible_from: Seconds
    report_class: Seconds
    category: Seconds
    channel: Seconds
    by_staff: Flags
    is_anonymous: Flags
    is_secret: Flags
    region: Seconds
    first_unit: Seconds
    second_unit: Seconds
    supervision: Seconds
    reporter: Seconds
    text_seed: Seconds
    quoted_number: Seconds
    moved: Flags
    defect: Seconds
    quirks: Seconds

    def __len__(self) -> int:
        return len(self.agency)
