"""What a few agencies tell about themselves: their units, how they keep their side of LAPOR! running. All made up."""

import csv
import io
import zlib
from datetime import date, timedelta

import msgspec

from simulator.attributes import units_of
from simulator.dialects.words import local_time
from simulator.registry import Agency
from simulator.workdays import cut_off

UNIT_COLUMNS = ("kode", "nama", "induk", "jenis", "berlaku_sejak", "berlaku_sampai")
ROOT_CODE = "U-00"
# The reorganisation of local governments after PP 18/2016 took effect.
UNITS_SINCE = date(2017, 1, 1)

_encode = msgspec.json.Encoder().encode


def units_csv(agency: Agency) -> bytes:
    """The file `unit.csv` (comma, UTF-8): the agency itself and the units it routes to, which do not change."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(UNIT_COLUMNS)
    writer.writerow([ROOT_CODE, agency.name, "", "Instansi", UNITS_SINCE.isoformat(), ""])
    for position, name in enumerate(units_of(agency), start=1):
        kind = name.split()[0]
        writer.writerow([f"U-{position:02d}", name, ROOT_CODE, kind, UNITS_SINCE.isoformat(), ""])
    return buffer.getvalue().encode()


def activity_json(agency: Agency, night: date) -> bytes:
    """One statement as of the night: decree, last login, action plan, people in charge; a pure function of both."""
    dice = zlib.crc32(agency.code.encode())
    decreed = date(2019, 1, 15) + timedelta(days=dice % 700)
    planned = decreed + timedelta(days=40) if dice % 3 else None
    # Most log in every few days; one in eight has not for months.
    idle_hours = (dice >> 4) % 60 if dice % 8 else 24 * 75
    login = local_time(cut_off(night) - (idle_hours + 9) * 3600, agency.utc_offset)
    return _encode(
        {
            "keaktifan": [
                {
                    "per_tanggal": night.isoformat(),
                    "sk": {"nomor": f"{100 + dice % 800}/SK/{decreed.year}", "tanggal": decreed.isoformat()},
                    "login_terakhir": login.isoformat(),
                    "rencana_aksi": {"ada": planned is not None, "tanggal": planned and planned.isoformat()},
                    "pejabat_penghubung": 1 + dice % 9,
                    "admin": 1 + dice % 3,
                }
            ]
        }
    )
