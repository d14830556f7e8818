"""Times are read by explicit formats, in the agency's zone, or not at all."""

from datetime import UTC, datetime

import pytest

from extract.times import parser


@pytest.mark.parametrize(
    ("time_format", "zone", "text", "expected"),
    [
        pytest.param("iso", "Asia/Jakarta", "2021-03-04T09:12:44+08:00", "2021-03-04T01:12:44", id="iso with offset"),
        pytest.param("iso", "Asia/Jayapura", "2021-03-04T09:12:44", "2021-03-04T00:12:44", id="iso without zone is local, WIT is +9"),
        pytest.param("%d/%m/%Y %H:%M:%S", "Asia/Jakarta", "04/03/2021 09:12:44", "2021-03-04T02:12:44", id="day first"),
        pytest.param("%d %B %Y %H.%M.%S", "Asia/Jakarta", "4 Maret 2021 09.12.44", "2021-03-04T02:12:44", id="Indonesian month"),
        pytest.param("%B %Y", "UTC", "Agustus 2024", "2024-08-01T00:00:00", id="a month is its first day"),
        pytest.param("%m/%d/%Y %I:%M:%S %p", "America/New_York", "02/28/2023 11:45:00 PM", "2023-03-01T04:45:00", id="American clock"),
        pytest.param("%m/%d/%Y %I:%M:%S %p", "UTC", "01/01/2023 12:00:00 AM", "2023-01-01T00:00:00", id="12 AM is midnight"),
        pytest.param("%d %b %y", "UTC", "7 Agt. 21", "2021-08-07T00:00:00", id="short Indonesian month and year"),
        pytest.param("%Y-%m-%d %H:%M:%S.%f%z", "Asia/Jakarta", "2021-03-04 09:12:44.5+0800", "2021-03-04T01:12:44.500", id="fraction and offset"),
        pytest.param("unix", "Asia/Jakarta", "1614820364", "2021-03-04T01:12:44", id="seconds since 1970"),
        pytest.param("unix_ms", "Asia/Jakarta", "1614820364000", "2021-03-04T01:12:44", id="milliseconds since 1970"),
        pytest.param("excel", "Asia/Jakarta", "44259.375", "2021-03-04T02:00:00", id="44259 is 4 March 2021 in a spreadsheet"),
    ],
)  # fmt: skip
def test_a_time_of_the_format_reads_as_utc(time_format: str, zone: str, text: str, expected: str) -> None:
    assert parser(time_format, zone)(text) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("time_format", "text"),
    [
        ("%d/%m/%Y %H:%M:%S", "31/02/2021 08:00:00"),
        ("%d/%m/%Y %H:%M:%S", "01/02/2021 25:00:00"),
        ("%d/%m/%Y %H:%M:%S", "2021-02-01 08:00:00"),
        ("%d/%m/%Y %H:%M:%S", "01/02/2021 08:00:00 WIB"),
        ("%d %B %Y", "4 Marzo 2021"),
        ("%I:%M %p", "13:00 PM"),
        ("iso", "Kemarin, 02:19"),
        ("iso", "1899-12-31T00:00:00"),
        ("unix", "99999999999999"),
        ("unix", "12"),
        ("%d %b %Y", "4 Mxy 2021"),
    ],
)
def test_what_is_no_time_of_the_format_is_none(time_format: str, text: str) -> None:
    assert parser(time_format, "Asia/Jakarta")(text) is None


def test_an_unknown_directive_is_named() -> None:
    with pytest.raises(ValueError, match="%j"):
        parser("%Y-%j", "UTC")
