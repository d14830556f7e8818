"""Pretend reporters. Nobody here can be a real person.

Names are built of syllables that are no words of Indonesian or English, so that finding one anywhere means it leaked.
A NIK has a real region and birth date but the serial number 0000 (real ones start at 0001). Phone numbers start with
08120, for Indonesia reserves no numbers for fiction. E-mail addresses are of the domains reserved for examples.
"""

from dataclasses import dataclass

import numpy as np

from simulator.lifecycle import Flags
from simulator.workdays import Seconds

ONSETS = (
    *("Qav", "Zwe", "Xil", "Vrug", "Jhor", "Tzek", "Wux", "Qhim"),
    *("Zyb", "Kvol", "Xand", "Yrph", "Bzog", "Fjul", "Gwex", "Ndzu"),
)
MIDDLES = ("ri", "zo", "qua", "vhe", "xu", "jy", "wo", "zha", "kwi", "phe", "tsu", "lyx", "")
CODAS = (
    *("zqel", "mbrix", "vokh", "thuz", "xarn", "qwim", "jevt", "zbol"),
    *("rhyx", "fzun", "kjav", "wyrz", "ghoq", "dvix", "psyz", "hlux"),
)
DOMAINS = ("example.com", "example.org", "example.net")
FIRST_BIRTH_DAY = np.datetime64("1950-01-01")
BIRTH_DAYS = 20_000
WOMEN_SHARE = 0.4


@dataclass(frozen=True, slots=True)
class Identity:
    """One pretend reporter."""

    name: str
    nik: str
    phone: str
    email: str
    address: str


@dataclass(frozen=True, slots=True)
class Identities:
    """A pool of pretend reporters, by number; NIK, phone and e-mail are unique within it."""

    names: list[str]
    niks: list[str]
    phones: list[str]
    emails: list[str]
    house_numbers: list[int]

    def __getitem__(self, number: int) -> Identity:
        """The reporter of that number."""
        return Identity(
            name=self.names[number],
            nik=self.niks[number],
            phone=self.phones[number],
            email=self.emails[number],
            address=f"Jl. Percobaan No. {self.house_numbers[number]}",
        )


def draw_identities(region_codes: list[str], rng: np.random.Generator) -> Identities:
    """Draw one reporter for each Kemendagri regency code ("21.71") given."""
    count = len(region_codes)
    words = [_draw_words(count, rng) for _ in range(3)]
    has_third = rng.random(count) < 0.35
    names = [
        f"{first} {second} {third}" if three else f"{first} {second}"
        for first, second, third, three in zip(*words, has_third.tolist(), strict=True)
    ]
    # Every seventh number of a large field, shuffled: unique without drawing again.
    phones = [f"08120{number:08d}" for number in (rng.permutation(count) * 7 + 1_000_003).tolist()]
    emails = [f"{first.lower()}.{number}@{DOMAINS[number % 3]}" for number, first in enumerate(words[0])]
    return Identities(
        names=names,
        niks=_draw_niks(region_codes, rng),
        phones=phones,
        emails=emails,
        house_numbers=rng.integers(1, 200, count).tolist(),
    )


def _draw_words(count: int, rng: np.random.Generator) -> list[str]:
    picks = zip(*(rng.integers(0, len(part), count).tolist() for part in (ONSETS, MIDDLES, CODAS)), strict=True)
    return [ONSETS[onset] + MIDDLES[middle] + CODAS[coda] for onset, middle, coda in picks]


def _draw_niks(region_codes: list[str], rng: np.random.Generator) -> list[str]:
    """Six digits of region, birth date as ddmmyy (day + 40 for women), serial 0000."""
    count = len(region_codes)
    districts = np.array([int(code.replace(".", "")) for code in region_codes]) * 100 + rng.integers(1, 31, count)
    days, women = rng.integers(0, BIRTH_DAYS, count), rng.random(count) < WOMEN_SHARE
    niks = _compose_niks(districts, days, women)
    while True:
        _, first = np.unique(niks, return_index=True)
        repeated = np.setdiff1d(np.arange(count), first)
        if not len(repeated):
            return [f"{number:016d}" for number in niks.tolist()]
        days[repeated] = rng.integers(0, BIRTH_DAYS, len(repeated))
        niks = _compose_niks(districts, days, women)


def _compose_niks(districts: Seconds, days: Seconds, women: Flags) -> Seconds:
    dates = FIRST_BIRTH_DAY + days
    months = dates.astype("datetime64[M]")
    day = (dates - months).astype(np.int64) + 1 + np.where(women, 40, 0)
    month = months.astype(np.int64) % 12 + 1
    year = (dates.astype("datetime64[Y]").astype(np.int64) + 1970) % 100
    return np.asarray(districts * 10**10 + day * 10**8 + month * 10**6 + year * 10**4)
