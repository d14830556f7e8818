"""What a complaint is about, how it came in and whose desk it lands on.

Calibration, not fact: classes 92/5/3 (Semarang's city channel), category weights from 6,000 public reports of July 2025
of which 37 % had none; channels, anonymity and secrecy are guesses.
"""

import csv
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from simulator.lifecycle import Flags
from simulator.registry import Agency
from simulator.workdays import DATA, Seconds

CLASSES = ("PENGADUAN", "ASPIRASI", "PERMINTAAN_INFORMASI")
CLASS_SHARES = (0.92, 0.05, 0.03)
UNCATEGORISED_SHARE = 0.37
ANONYMOUS_SHARE = 0.25
SECRET_SHARE = 0.15
STAFF_SHARE = 0.05

NATIONAL_CHANNELS = {
    "WEBSITE": 0.52,
    "ANDROID": 0.20,
    "SMS": 0.09,
    "WHATSAPP": 0.05,
    "TWITTER_X": 0.05,
    "IOS": 0.04,
    "INSTAGRAM": 0.01,
    "FACEBOOK": 0.02,
    "TATAP_MUKA": 0.02,
}
LOCAL_CHANNELS = {
    "WEBSITE": 0.36,
    "ANDROID": 0.22,
    "WHATSAPP": 0.16,
    "SMS": 0.08,
    "TWITTER_X": 0.04,
    "TATAP_MUKA": 0.06,
    "SURAT_EMAIL_TELEPON": 0.04,
    "CALL_CENTER_112": 0.04,
}
CHANNELS = tuple(dict.fromkeys([*NATIONAL_CHANNELS, *LOCAL_CHANNELS]))
# On these a member of staff types in what the citizen said or wrote.
TYPED_BY_STAFF = frozenset({"TATAP_MUKA", "SURAT_EMAIL_TELEPON", "CALL_CENTER_112", "INSTAGRAM", "FACEBOOK"})

SUPERVISION_LEVELS = ("NORMATIF", "TIDAK_BERKADAR", "BERKADAR", None)
SUPERVISION_SHARES = (0.25, 0.35, 0.10, 0.30)

LOCAL_UNITS = (
    *("Dinas Pendidikan", "Dinas Kesehatan", "Dinas Sosial", "Dinas Tenaga Kerja", "Dinas Perhubungan"),
    *("Dinas Lingkungan Hidup", "Dinas Pekerjaan Umum dan Penataan Ruang", "Dinas Kependudukan dan Pencatatan Sipil"),
    *("Satuan Polisi Pamong Praja", "Badan Pendapatan Daerah", "Inspektorat", "Dinas Komunikasi dan Informatika"),
)
CENTRAL_UNITS = (
    *("Sekretariat Jenderal", "Inspektorat Jenderal", "Biro Hubungan Masyarakat", "Pusat Data dan Informasi"),
    *(
        "Direktorat Pelayanan",
        "Direktorat Pengawasan",
        "Biro Umum",
        "Kantor Wilayah I",
        "Kantor Wilayah II",
        "Unit Layanan Terpadu",
    ),
)


@dataclass(frozen=True, slots=True)
class Attributes:
    """One value per complaint; integers index CLASSES, `categories()` (-1 none), CHANNELS, the regions, the units."""

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


@lru_cache(maxsize=1)
def categories() -> tuple[tuple[str, str], ...]:
    """(main, label) in upper case as the national tree has them; label "" = the main category itself."""
    return tuple((row["main"], row["label"]) for row in _category_rows())


def units_of(agency: Agency) -> tuple[str, ...]:
    """Names of the units an agency routes complaints to."""
    return CENTRAL_UNITS if agency.is_central else LOCAL_UNITS


def draw_attributes(
    agency: Seconds, agencies: tuple[Agency, ...], regions: tuple[str, ...], rng: np.random.Generator
) -> Attributes:
    """Draw the attributes of complaints received by these agencies (indices)."""
    count = len(agency)
    weights = np.array([float(row["weight"]) for row in _category_rows()])
    category = rng.choice(len(weights), size=count, p=weights / weights.sum())
    channel = _draw_channels(agency, agencies, rng)
    typed = np.array([name in TYPED_BY_STAFF for name in CHANNELS])
    unit_counts = np.array([len(units_of(one)) for one in agencies])
    first_unit = (rng.random(count) ** 1.6 * unit_counts[agency]).astype(np.int64)
    step = rng.integers(1, unit_counts.min(), count)
    return Attributes(
        report_class=rng.choice(len(CLASSES), size=count, p=CLASS_SHARES),
        category=np.where(rng.random(count) < UNCATEGORISED_SHARE, -1, category),
        channel=channel,
        by_staff=typed[channel] | (rng.random(count) < STAFF_SHARE),
        is_anonymous=rng.random(count) < ANONYMOUS_SHARE,
        is_secret=rng.random(count) < SECRET_SHARE,
        region=_draw_regions(agency, agencies, regions, rng),
        first_unit=first_unit,
        second_unit=(first_unit + step) % unit_counts[agency],
        supervision=rng.choice(len(SUPERVISION_LEVELS), size=count, p=SUPERVISION_SHARES),
    )


def _draw_channels(agency: Seconds, agencies: tuple[Agency, ...], rng: np.random.Generator) -> Seconds:
    local = np.array([one.numbers_tickets for one in agencies])[agency]
    national = rng.choice(len(CHANNELS), size=len(agency), p=_shares(NATIONAL_CHANNELS))
    return np.where(local, rng.choice(len(CHANNELS), size=len(agency), p=_shares(LOCAL_CHANNELS)), national)


def _shares(channels: dict[str, float]) -> npt.NDArray[np.float64]:
    shares = np.array([channels.get(name, 0.0) for name in CHANNELS])
    return np.asarray(shares / shares.sum())


def _draw_regions(
    agency: Seconds, agencies: tuple[Agency, ...], regions: tuple[str, ...], rng: np.random.Generator
) -> Seconds:
    """A local government's own region; for a province one of its regencies, for a central body any of the country."""
    position = {code: number for number, code in enumerate(regions)}
    low = np.zeros(len(agencies), dtype=np.int64)
    high = np.full(len(agencies), len(regions), dtype=np.int64)
    for index, one in enumerate(agencies):
        if one.regency_code:
            low[index] = position[one.regency_code]
            high[index] = low[index] + 1
        elif one.province_code:
            inside = [number for number, code in enumerate(regions) if code.startswith(one.province_code + ".")]
            low[index], high[index] = inside[0], inside[-1] + 1
    return rng.integers(low[agency], high[agency])


@lru_cache(maxsize=1)
def _category_rows() -> tuple[dict[str, str], ...]:
    with (DATA / "categories.csv").open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))
