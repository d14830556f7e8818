"""Numbers, dates and months as readers in Indonesia write them, and the same in English.

One place for what is shown: 1.294, 75,7%, 1 Juli 2021, 30 Juni 2021 pukul 24.00 WIB. Figures are rounded half up (as
the published recaps are), never to the even neighbour, and what is not known is a dash, never a zero.
"""

from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal
from zoneinfo import ZoneInfo

from babel.dates import format_date, get_month_names
from babel.numbers import format_decimal, get_decimal_symbol, get_group_symbol

Language = Literal["id", "en"]

UNKNOWN = "–"
MINUS = "\u2212"  # as typeset; the hyphen that Indonesian and English data of numbers name breaks at the end of a line
JAKARTA = ZoneInfo("Asia/Jakarta")


def round_half_up(value: float | Decimal, decimals: int = 0) -> Decimal:
    """The value at this many decimals, a half away from zero: 0.125 is 0.13, -0.5 is -1; never minus zero.

    A float is taken as it prints (2.675 is 2.68), not as the binary fraction below it.
    """
    rounded = Decimal(str(value)).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)
    return abs(rounded) if rounded == 0 else rounded


def number(value: float | Decimal | None, decimals: int = 0, language: Language = "id") -> str:
    """1.294 or 7,2 (English: 1,294 and 7.2), below zero −3; a dash for None."""
    if value is None:
        return UNKNOWN
    pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
    return str(format_decimal(round_half_up(value, decimals), format=pattern, locale=language)).replace("-", MINUS)


def percent(share: float | Decimal | None, decimals: int = 1, language: Language = "id") -> str:
    """A share of 0 to 1 as 75,7% (English: 75.7%); a dash for None, which is a share of nothing."""
    return UNKNOWN if share is None else number(Decimal(str(share)) * 100, decimals, language) + "%"


def date_long(day: date, language: Language = "id") -> str:
    """1 Juli 2021 (English: 1 July 2021)."""
    return str(format_date(day, "d MMMM y", locale=language))


def date_short(day: date, language: Language = "id") -> str:
    """1 Jul 2021."""
    return str(format_date(day, "d MMM y", locale=language))


def day_and_month(day: date, language: Language = "id") -> str:
    """27 Juni (English: 27 June)."""
    return str(format_date(day, "d MMMM", locale=language))


def month(day: date, language: Language = "id") -> str:
    """The month of a day: Juni 2021 (English: June 2021)."""
    return str(format_date(day, "MMMM y", locale=language))


def month_short(day: date, language: Language = "id") -> str:
    """The month of a day where room is scarce: Jun 2021, Agu 2021."""
    return str(format_date(day, "MMM y", locale=language))


def moment(at: datetime, language: Language = "id") -> str:
    """A moment by the clock of Jakarta: 30 Juni 2021 pukul 21.30 WIB (English: 30 June 2021, 21:30 WIB).

    Midnight is the end of the day before, 24.00, as cut-offs are announced. Raises ValueError for a moment without a
    time zone, which could be any of Indonesia's three.
    """
    if at.tzinfo is None:
        raise ValueError(f"{at} has no time zone: give an aware datetime, as timestamptz columns do")
    there = at.astimezone(JAKARTA)
    day, clock = there.date(), there.strftime("%H.%M")
    if there.time().replace(second=0, microsecond=0) == time(0, 0):
        day, clock = day - timedelta(days=1), "24.00"
    if language == "en":
        return f"{date_long(day, 'en')}, {clock.replace('.', ':')} WIB"
    return f"{date_long(day)} pukul {clock} WIB"


def number_locale(language: Language = "id") -> dict[str, object]:
    """The number signs of a language as d3 takes them; d3 itself knows no Indonesian."""
    return {
        "decimal": get_decimal_symbol(language),
        "thousands": get_group_symbol(language),
        "grouping": [3],
        "currency": ["", ""],
    }


def months_short(language: Language = "id") -> tuple[str, ...]:
    """Jan to Des (English: Jan to Dec)."""
    names = get_month_names("abbreviated", locale=language)
    return tuple(str(names[position]) for position in range(1, 13))
