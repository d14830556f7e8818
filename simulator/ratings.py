"""Stars that reporters give a closed complaint: who was answered fast gives more. Made up, for none was published.

The national system's ratings come as one file a night for all its agencies; local systems have an address for them.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from simulator.dialects.words import local_time, ticket_number, written_date
from simulator.identities import Identity
from simulator.lifecycle import ABSENT, Slot
from simulator.registry import Agency
from simulator.workdays import DAY_SECONDS, WIB_OFFSET
from simulator.world import World

CSV_COLUMNS = ("nomor_laporan", "bintang", "waktu_penilaian", "nama_pelapor", "nik", "telepon", "email")
PAGE_SIZE = 100
FAST_DAYS = 10
# Of a hundred ratings up to so many have 1, 2, 3, 4 stars; the rest has 5.
FAST_LIMITS = (6, 12, 26, 54)
SLOW_LIMITS = (28, 44, 64, 84)

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Rating:
    """One rating; `at` in seconds since 1970 UTC, `reporter` None where the complaint is anonymous."""

    agency: Agency
    number: int
    ticket: str
    stars: int
    at: int
    reporter: Identity | None


def read_ratings(world: World, agencies: Sequence[int], since: int | None, until: int) -> list[Rating]:
    """The ratings that complaints of these agencies got in [since, until), in the order of their time."""
    table = world.complaints
    found: list[Rating] = []
    for index in agencies:
        agency, rows = world.agencies[index], world.rows_of(index)
        times = table.times[rows]
        rated = times[:, Slot.RATED]
        for place in np.flatnonzero((rated != ABSENT) & (rated < until) & (rated >= (since or 0))).tolist():
            row = rows.start + place
            received, completed = int(times[place, Slot.RECEIVED]), int(times[place, Slot.COMPLETED])
            found.append(
                Rating(
                    agency=agency,
                    number=int(table.number[row]),
                    ticket=ticket_number(agency, received, int(table.serial[row])),
                    stars=_stars(int(table.text_seed[row]), completed - received),
                    at=int(rated[place]),
                    reporter=None if table.is_anonymous[row] else world.identities[int(table.reporter[row])],
                )
            )
    return sorted(found, key=lambda rating: (rating.at, rating.number))


def national_csv(ratings: Sequence[Rating]) -> bytes:
    """The file `penilaian.csv` of the national system (semicolon, UTF-8, WIB), its last line the number of rows."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=";", lineterminator="\r\n")
    writer.writerow(CSV_COLUMNS)
    for one in ratings:
        who = one.reporter
        person = (who.name, who.nik, who.phone, who.email) if who else ("", "", "", "")
        writer.writerow([f"#{one.number}", one.stars, written_date(one.at, WIB_OFFSET), *person])
    writer.writerow(["JUMLAH", len(ratings), *[""] * (len(CSV_COLUMNS) - 2)])
    return buffer.getvalue().encode()


def api_page(ratings: Sequence[Rating]) -> bytes:
    """A page of a local system's ratings as JSON."""
    return _encode(
        {
            "penilaian": [
                {
                    "tiket": one.ticket,
                    "bintang": one.stars,
                    "pada": local_time(one.at, one.agency.utc_offset).isoformat(),
                    "oleh": one.reporter
                    and {"nama": one.reporter.name, "nik": one.reporter.nik, "telepon": one.reporter.phone,
                         "email": one.reporter.email},
                }
                for one in ratings
            ]
        }
    )  # fmt: skip


def _stars(seed: int, duration: int) -> int:
    limits = FAST_LIMITS if duration < FAST_DAYS * DAY_SECONDS else SLOW_LIMITS
    dice = (seed >> 9) % 100
    return 1 + sum(dice >= limit for limit in limits)
