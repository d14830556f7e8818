"""What goes wrong in the data of real agencies, injected at known rates and remembered.

A defect makes a row unusable (the gate must keep it out); a quirk is ugly but readable (the extractor must cope).
"""

from dataclasses import dataclass, fields, replace
from enum import IntEnum

import numpy as np

from simulator.lifecycle import ABSENT, Flags, Slot
from simulator.registry import GEOREPORT_PROFILES, Agency
from simulator.workdays import Floats, Seconds

UNKNOWN_STATUS_WORD = "Selesai Bersyarat"
UNPARSABLE_DATE = "31/02/2021 25:00:00"
SKEW_SECONDS = 365 * 86_400
# The same day of 2003 for one of 2021: eight years before there was a LAPOR! to receive anything.
FAR_PAST_SECONDS = 6_575 * 86_400
# Well formed, and no region of Kemendagri's.
WRONG_REGIONS = ("99.71", "00.01", "98.05")
BAD_AGENCY_ROWS = (50, 160)


class Defect(IntEnum):
    """What makes a row unusable; a row has at most one."""

    NONE = 0
    UNKNOWN_STATUS = 1
    MISSING_ID = 2
    CLOSED_BEFORE_CREATED = 3
    UNPARSABLE_DATE = 4
    CLOCK_SKEW = 5
    RAGGED_ROW = 6
    FAR_PAST = 7


class Quirk(IntEnum):
    """What is ugly but readable; a row can have several, added up."""

    DUPLICATE = 1
    MESSY_CATEGORY = 2
    MESSY_UNIT = 4
    COMPOSITE_CHANNEL = 8
    NUMBER_ID = 16
    MASS_CLOSING = 32
    SHORT_TEXT = 64
    FOREIGN_TEXT = 128
    IMPOSSIBLE_STEP = 256
    WRONG_REGION = 512


@dataclass(frozen=True, slots=True)
class DirtRates:
    """Shares of rows; see README.md for what each means and what it is a share of."""

    unknown_status: float = 0.0012
    missing_id: float = 0.0007
    closed_before_created: float = 0.0010
    unparsable_date: float = 0.0010
    clock_skew: float = 0.0008
    ragged_row: float = 0.008
    duplicate: float = 0.002
    messy_category: float = 0.03
    messy_unit: float = 0.03
    composite_channel: float = 0.25
    number_id: float = 0.02
    bad_agency: float = 0.35
    mass_closing_agencies: int = 3
    far_past: float = 0.0006
    short_text: float = 0.002
    foreign_text: float = 0.002
    impossible_step: float = 0.02
    wrong_region: float = 0.001

    @classmethod
    def clean(cls) -> "DirtRates":
        """No dirt at all."""
        return cls(**{one.name: 0 for one in fields(cls)})


@dataclass(frozen=True, slots=True)
class Dirt:
    """Defect and quirks of each row; index of the agency that delivers mostly rubbish, if any has the right size."""

    defect: Seconds
    quirks: Seconds
    bad_agency: int | None


@dataclass(frozen=True, slots=True)
class Rows:
    """What decides which dirt a row can have; `channel_is_app` is the Android app, `agency` an index."""

    times: Seconds
    agency: Seconds
    is_categorised: Flags
    channel_is_app: Flags
    is_mass_closed: Flags


def draw_dirt(rows: Rows, agencies: tuple[Agency, ...], rates: DirtRates, rng: np.random.Generator) -> Dirt:
    """Draw defects and quirks; agencies that state a recap get no defects, so that their totals are what they state."""
    times, agency = rows.times, rows.agency
    count = len(times)
    protected = np.array([one.states_recap for one in agencies])
    csv = np.array([one.profile == "csv_drop" for one in agencies])[agency]
    defect = np.zeros(count, dtype=np.int64)
    for kind, share, possible in (
        (Defect.UNKNOWN_STATUS, rates.unknown_status, np.ones(count, dtype=bool)),
        (Defect.MISSING_ID, rates.missing_id, np.ones(count, dtype=bool)),
        (Defect.UNPARSABLE_DATE, rates.unparsable_date, np.ones(count, dtype=bool)),
        (Defect.CLOSED_BEFORE_CREATED, rates.closed_before_created, _ends_completed(times)),
        (Defect.CLOCK_SKEW, rates.clock_skew, times[:, Slot.ANSWERED] != ABSENT),
        (Defect.RAGGED_ROW, rates.ragged_row, csv),
    ):
        defect[possible & (rng.random(count) < share)] = kind
    bad_agency = _choose_bad_agency(agency, agencies, rng) if rates.bad_agency else None
    if bad_agency is not None:
        bad = (agency == bad_agency) & (rng.random(count) < rates.bad_agency)
        kinds = np.array([Defect.UNKNOWN_STATUS, Defect.UNKNOWN_STATUS, Defect.UNPARSABLE_DATE, Defect.MISSING_ID])
        defect[bad] = rng.choice(kinds, size=int(bad.sum()))
    defect[protected[agency]] = Defect.NONE
    quirks = _draw_quirks(rows, agencies, defect == Defect.MISSING_ID, rates, rng)
    return Dirt(defect=defect, quirks=quirks, bad_agency=bad_agency)


def draw_more_dirt(
    rows: Rows, dirt: Dirt, agencies: tuple[Agency, ...], rates: DirtRates, rng: np.random.Generator
) -> Dirt:
    """Add the kinds that came later, from a stream of their own: whatever `dirt` and the rows were, they stay.

    Only rows without a defect get them, so that each shows; agencies that state a recap get none. A GeoReport server is
    asked by time of receipt: nobody would ever see what it dates in the far past.
    """
    spared = np.array([one.states_recap for one in agencies])[rows.agency] | (dirt.defect != Defect.NONE)
    georeport = np.array([one.profile in GEOREPORT_PROFILES for one in agencies])[rows.agency]
    replied = (rows.times[:, Slot.REPLIED] != ABSENT) & ~georeport
    replied &= ~np.array([one.keeps_milestones_only for one in agencies])[rows.agency]
    dice = rng.random((5, len(rows.times)))
    far_past, short, foreign, impossible, elsewhere = (
        ~spared & (dice[place] < share)
        for place, share in enumerate(
            (rates.far_past, rates.short_text, rates.foreign_text, rates.impossible_step, rates.wrong_region)
        )
    )
    far_past &= ~georeport
    quirks = dirt.quirks
    for quirk, having in (
        (Quirk.SHORT_TEXT, short & ~far_past),
        (Quirk.FOREIGN_TEXT, foreign & ~far_past & ~short),
        (Quirk.IMPOSSIBLE_STEP, impossible & ~far_past & replied),
        (Quirk.WRONG_REGION, elsewhere & ~far_past),
    ):
        quirks = quirks | np.where(having, int(quirk), 0)
    return replace(dirt, defect=np.where(far_past, int(Defect.FAR_PAST), dirt.defect), quirks=quirks)


def choose_mass_closers(per_half_year: Floats, agencies: tuple[Agency, ...], rates: DirtRates) -> list[int]:
    """Indices of the agencies whose officers once close everything in a few minutes: sizeable, but not the largest."""
    eligible = [index for index, one in enumerate(agencies) if not one.states_recap]
    by_volume = sorted(eligible, key=lambda index: -per_half_year[index])
    skipped = min(8, len(by_volume) // 4)
    return by_volume[skipped : skipped + rates.mass_closing_agencies]


def _draw_quirks(
    rows: Rows, agencies: tuple[Agency, ...], has_no_id: Flags, rates: DirtRates, rng: np.random.Generator
) -> Seconds:
    """Quirks only where they show: a row without category has none in odd case, a workbook's ids are all numbers."""
    count = len(rows.times)
    quirks = np.where(rows.is_mass_closed, int(Quirk.MASS_CLOSING), 0)
    national = np.array([not one.numbers_tickets for one in agencies])[rows.agency]
    id_is_text = np.array([one.profile in {"lapor_v3", "csv_drop"} for one in agencies])[rows.agency]
    for quirk, share, possible in (
        (Quirk.DUPLICATE, rates.duplicate, np.ones(count, dtype=bool)),
        (Quirk.MESSY_CATEGORY, rates.messy_category, rows.is_categorised),
        (Quirk.MESSY_UNIT, rates.messy_unit, rows.times[:, Slot.ROUTED] != ABSENT),
        (Quirk.COMPOSITE_CHANNEL, rates.composite_channel, rows.channel_is_app & national),
        (Quirk.NUMBER_ID, rates.number_id, id_is_text & ~has_no_id),
    ):
        quirks = quirks | np.where(possible & (rng.random(count) < share), int(quirk), 0)
    return quirks


def _ends_completed(times: Seconds) -> Flags:
    """Completed once and for all: a reopened complaint has no completion to put before its receipt."""
    return np.asarray((times[:, Slot.COMPLETED] != ABSENT) & (times[:, Slot.REOPENED] == ABSENT))


def _choose_bad_agency(agency: Seconds, agencies: tuple[Agency, ...], rng: np.random.Generator) -> int | None:
    """An agency with an API or a database, large enough for the gate to judge, small enough not to dent the nation."""
    rows = np.bincount(agency, minlength=len(agencies))
    low, high = BAD_AGENCY_ROWS
    eligible = [
        index
        for index, one in enumerate(agencies)
        if not one.states_recap and not one.is_central and not one.keeps_milestones_only and low <= rows[index] <= high
    ]
    return int(rng.choice(eligible)) if eligible else None
