"""The LAPOR! user survey of 2020: 1,329 respondents in 34 provinces, satisfied to the published decimal.

Published (PANRB, 1 July 2021): the share answering "puas" or "sangat puas", averaged over the attributes, is 75.7 %;
best are ease of registering, ease of use and confidentiality, worst the speed of the answer. The shares of the single
attributes were never published: these are made up to that mean.
"""

import csv
import io
from datetime import date, timedelta

import numpy as np

from simulator.registry import Agency

SURVEY_CODE = "LAPOR-2020"
YEAR = 2020
RESPONDENTS = 1_329
PUBLISHED_SHARE = 0.757
FIRST_INTERVIEW = date(2020, 10, 5)
INTERVIEW_DAYS = 50
# Attribute -> percent satisfied or very satisfied; the mean is 75.7.
SATISFIED_PERCENT = {
    "kemudahan_mendaftar": 84.0,
    "kemudahan_menggunakan": 83.1,
    "kerahasiaan": 82.0,
    "kejelasan_prosedur": 77.8,
    "kemudahan_memantau": 75.9,
    "kesopanan_jawaban": 78.6,
    "kejelasan_jawaban": 72.6,
    "kesesuaian_jawaban": 69.8,
    "kecepatan_respons": 64.4,
    "penyelesaian": 68.8,
}
VERY_SHARE = 0.24
WORDS = ("Sangat puas", "Puas", "Kurang puas", "Tidak puas")
COLUMNS = ("kode_survei", "tahun", "id_responden", "kode_provinsi", "tanggal_wawancara", "strata", "bobot")
# The first digit of a Kemendagri code is the island group.
STRATA = {"1": "Sumatera", "2": "Sumatera", "3": "Jawa", "5": "Bali-Nusa Tenggara", "6": "Kalimantan", "7": "Sulawesi"}
STRATUM_OF_THE_EAST = "Maluku-Papua"


def survey_file(agencies: tuple[Agency, ...], seed: int) -> bytes:
    """The file `lapor_2020.csv` (comma, UTF-8); provinces with more regencies have more respondents."""
    rng = np.random.default_rng([seed, YEAR])
    provinces = sorted({agency.province_code for agency in agencies if agency.province_code})
    answers = _draw_answers(rng)
    where = _draw_provinces(agencies, provinces, rng)
    days = np.sort(rng.integers(0, INTERVIEW_DAYS, RESPONDENTS))
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([*COLUMNS, *SATISFIED_PERCENT])
    for number in range(RESPONDENTS):
        province = provinces[where[number]]
        writer.writerow(
            [
                SURVEY_CODE,
                YEAR,
                f"R{number + 1:04d}",
                province,
                (FIRST_INTERVIEW + timedelta(days=int(days[number]))).isoformat(),
                STRATA.get(province[0], STRATUM_OF_THE_EAST),
                1,
                *(WORDS[4 - score] for score in answers[number].tolist()),
            ]
        )
    return buffer.getvalue().encode()


def satisfied_counts() -> dict[str, int]:
    """How many of the respondents are satisfied or very satisfied with each attribute: their mean share is 75.7 %."""
    counts = {name: round(percent / 100 * RESPONDENTS) for name, percent in SATISFIED_PERCENT.items()}
    wanted = round(PUBLISHED_SHARE * RESPONDENTS * len(counts))
    # Rounding ten counts may miss the total by a few: the middle attribute takes them.
    counts["kemudahan_memantau"] += wanted - sum(counts.values())
    return counts


def _draw_answers(rng: np.random.Generator) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Scores 4 (very satisfied) to 1; who is content with one thing tends to be with the others."""
    mood = rng.normal(size=RESPONDENTS)
    answers = np.ones((RESPONDENTS, len(SATISFIED_PERCENT)), dtype=np.int64)
    for column, satisfied in enumerate(satisfied_counts().values()):
        ranking = np.argsort(-(mood + rng.normal(size=RESPONDENTS)))
        answers[ranking[: round(satisfied * VERY_SHARE)], column] = 4
        answers[ranking[round(satisfied * VERY_SHARE) : satisfied], column] = 3
        answers[ranking[satisfied : satisfied + round((RESPONDENTS - satisfied) * 0.8)], column] = 2
    return answers


def _draw_provinces(
    agencies: tuple[Agency, ...], provinces: list[str], rng: np.random.Generator
) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    weights = np.array(
        [sum(agency.province_code == code for agency in agencies) for code in provinces], dtype=np.float64
    )
    drawn = rng.choice(len(provinces), size=RESPONDENTS - len(provinces), p=weights / weights.sum())
    return np.concatenate((np.arange(len(provinces)), drawn))
