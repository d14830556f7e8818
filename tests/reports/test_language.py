"""Figures and dates as readers write them."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from reports.language import (
    Language,
    date_long,
    date_short,
    moment,
    month,
    month_short,
    months_short,
    number,
    number_locale,
    percent,
    round_half_up,
)


@pytest.mark.parametrize(
    ("value", "decimals", "indonesian", "english"),
    [
        (1294, 0, "1.294", "1,294"),
        (7.15, 1, "7,2", "7.2"),
        (1234567.891, 2, "1.234.567,89", "1,234,567.89"),
        (Decimal("0.5"), 0, "1", "1"),
        (2.5, 0, "3", "3"),
        (-2.5, 0, "−3", "−3"),
        (-0.4, 0, "0", "0"),
        (7, 1, "7,0", "7.0"),
        (None, 1, "–", "–"),
    ],
)
def test_a_number_has_the_signs_of_its_language(
    value: float | Decimal | None, decimals: int, indonesian: str, english: str
) -> None:
    assert number(value, decimals) == indonesian
    assert number(value, decimals, "en") == english


@pytest.mark.parametrize(
    ("share", "decimals", "indonesian", "english"),
    [
        (0.757, 1, "75,7%", "75.7%"),
        (0.7565, 1, "75,7%", "75.7%"),
        (Decimal("0.00045"), 2, "0,05%", "0.05%"),
        (0, 1, "0,0%", "0.0%"),
        (1, 0, "100%", "100%"),
        (0.125, 0, "13%", "13%"),
        (None, 1, "–", "–"),
    ],
)
def test_a_share_is_a_percentage_rounded_half_up(
    share: float | Decimal | None, decimals: int, indonesian: str, english: str
) -> None:
    assert percent(share, decimals) == indonesian
    assert percent(share, decimals, "en") == english


def test_a_float_is_rounded_as_it_is_written_not_as_it_is_stored() -> None:
    stored = 2.675
    assert Decimal(stored) < Decimal("2.675")
    assert round_half_up(stored, 2) == Decimal("2.68")
    assert round_half_up(0.125, 2) == Decimal("0.13")
    assert str(round_half_up(-0.001, 1)) == "0.0"


@pytest.mark.parametrize(
    ("at", "indonesian", "english"),
    [
        (datetime(2021, 6, 30, 14, 30, tzinfo=UTC), "30 Juni 2021 pukul 21.30 WIB", "30 June 2021, 21:30 WIB"),
        (datetime(2021, 6, 30, 17, 0, tzinfo=UTC), "30 Juni 2021 pukul 24.00 WIB", "30 June 2021, 24:00 WIB"),
        (datetime(2020, 12, 31, 17, 1, tzinfo=UTC), "1 Januari 2021 pukul 00.01 WIB", "1 January 2021, 00:01 WIB"),
    ],
    ids=["evening", "midnight ends the day before", "a minute past it"],
)
def test_a_moment_is_told_by_the_clock_of_jakarta(at: datetime, indonesian: str, english: str) -> None:
    assert moment(at) == indonesian
    assert moment(at, "en") == english


def test_a_moment_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        moment(datetime(2021, 6, 30))  # noqa: DTZ001 - that it has none is the case


def test_days_and_months_have_their_names() -> None:
    assert date_long(date(2021, 7, 1)) == "1 Juli 2021"
    assert date_long(date(2021, 7, 1), "en") == "1 July 2021"
    assert date_short(date(2021, 8, 17)) == "17 Agu 2021"
    assert month(date(2021, 6, 30)) == "Juni 2021"
    assert month_short(date(2021, 8, 1)) == "Agu 2021"
    assert month_short(date(2021, 5, 1), "en") == "May 2021"


@pytest.mark.parametrize(("language", "decimal", "thousands"), [("id", ",", "."), ("en", ".", ",")])
def test_axes_get_the_same_signs_as_texts(language: Language, decimal: str, thousands: str) -> None:
    locale = number_locale(language)
    assert (locale["decimal"], locale["thousands"]) == (decimal, thousands)
    assert len(set(months_short(language))) == 12


def test_months_on_axes_are_indonesian() -> None:
    assert months_short()[:5] == ("Jan", "Feb", "Mar", "Apr", "Mei")
    assert months_short()[7:] == ("Agu", "Sep", "Okt", "Nov", "Des")
