"""What holds for any input: what is written is what is read, pages lose nothing, nothing raises what it must not."""

import asyncio
import csv
import io
import os
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

from extract.connectors import Address, Ask, Page, Window
from extract.connectors.http import Answer
from extract.connectors.rest import RestConnector
from extract.connectors.tabular import TabularConnector
from extract.errors import DeliveryFailed, ProfileInvalid
from extract.mapping import Mapper
from extract.privacy import Identity, is_harmless, names, redact
from extract.profile import FieldSpec, Profile, read_profile
from extract.records import Record
from extract.times import EARLIEST_YEAR, MONTHS, parser
from extract.values import Readers, Unreadable, as_text, cut, decimal, integer, value_at
from tests.extract.servers import ods, xlsx

FEW = settings(max_examples=int(os.environ.get("LAPOR_TEST_EXAMPLES", "40")))
MANY = settings(max_examples=int(os.environ.get("LAPOR_TEST_EXAMPLES", "100")))


def profile(**sections: Any) -> Profile:
    fields = {"tracking_id": {"from": "id"}, "unit_name": {"from": "unit"}}
    return Profile(**{"name": "probe", "description": "x", "resource": "complaints", "fields": fields, **sections})


# -- files -------------------------------------------------------------------------------------------------------------

HEADINGS = ["nomor", "unit", "isi", "status"]
FLAT = TabularConnector(
    profile(
        fields={
            f"{column}": {"from": name}
            for column, name in zip(("tracking_id", "unit_name", "category_label", "status"), HEADINGS, strict=True)
        }
    )
)
LATIN = "".join(bytes([code]).decode("cp1252", "ignore") for code in range(1, 256))
ANY_CELL = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
LATIN_CELL = st.text(LATIN, max_size=20)
WORDY = st.text(st.sampled_from(";,|\t\"' \r\nab=."), max_size=20)


@st.composite
def tables(draw: Callable[[Any], Any]) -> tuple[list[list[str]], str]:
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]))
    cell = WORDY | (LATIN_CELL if encoding == "cp1252" else ANY_CELL)
    return draw(
        st.lists(st.tuples(st.from_regex(r"\A[A-Z]-[0-9]+\Z"), cell, cell, cell).map(list), max_size=8)
    ), encoding


@FEW
@given(
    table=tables(),
    delimiter=st.sampled_from(";,\t|"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    ending=st.sampled_from(["\r\n", "\n"]),
)
@example(
    table=([["A-1", "satu, dua, tiga, empat, lima, enam", "", ""]], "utf-8"),
    delimiter=";",
    quoting=csv.QUOTE_MINIMAL,
    ending="\n",
)
def test_the_rows_of_a_csv_are_the_rows_that_were_written(
    table: tuple[list[list[str]], str], delimiter: str, quoting: Any, ending: str
) -> None:
    rows, encoding = table
    if ending == "\n":  # Python's writer leaves a lone carriage return without quotes then
        rows = [[cell.replace("\r", " ") for cell in row] for row in rows]
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator=ending).writerows([HEADINGS, *rows])
    content = text.getvalue().encode(encoding)
    if encoding == "cp1252":
        assume(content.isascii() or not _is_utf8(content))
    records = list(FLAT.read(Page("a.csv", content)).records)
    assert [record.problem for record in records] == [None] * len(rows)
    assert [list(record.data.values()) for record in records] == rows


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


@FEW
@given(
    st.binary(max_size=400)
    | st.text(max_size=200).map(lambda text: ("nomor;unit;isi;status\n" + text).encode("utf-8", "surrogatepass"))
)
def test_any_bytes_are_a_table_or_a_refused_delivery(content: bytes) -> None:
    try:
        list(FLAT.read(Page("a.csv", content)).records)
    except DeliveryFailed:
        return


CELLS = (
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=15).filter(lambda text: not text.startswith("_x"))
    | st.booleans()
    | st.integers(-(10**14), 10**14)
    | st.integers(-(10**9), 10**9).map(lambda number: number / 1000)
)


@FEW
@given(st.lists(st.tuples(st.from_regex(r"\A[A-Z]-[0-9]+\Z"), CELLS, CELLS, CELLS).map(list), max_size=5))
def test_the_cells_of_a_workbook_are_the_cells_that_were_written(rows: list[list[Any]]) -> None:
    records = list(FLAT.read(Page("a.xlsx", xlsx({"Data": [HEADINGS, *rows]}))).records)
    assert [list(record.data.values()) for record in records] == rows


@FEW
@given(
    st.lists(
        st.tuples(st.from_regex(r"\A[A-Z]-[0-9]+\Z"), *[st.text("abc <>&\"'é", max_size=9)] * 3).map(list), max_size=4
    )
)
def test_the_cells_of_an_ods_are_the_cells_that_were_written(rows: list[list[Any]]) -> None:
    records = list(FLAT.read(Page("a.ods", ods([HEADINGS, *rows]))).records)
    assert [record.data["nomor"] for record in records] == [row[0] for row in rows]
    assert [str(record.data["isi"]).split() for record in records] == [row[2].split() for row in rows]


# -- pages -------------------------------------------------------------------------------------------------------------


class AnyApi:
    """An API of any paging style that hands out its records in pages of whatever lengths."""

    def __init__(self, style: str, pages: list[list[dict[str, Any]]]) -> None:
        self.style, self.pages = style, pages
        self.records = [entry for page in pages for entry in page]

    async def ask(
        self, address: Address, auth: Any, url: str, *, query: dict[str, str], **options: Any
    ) -> tuple[Answer, Any]:
        index = self._index(url, query)
        rows = self.pages[index] if index < len(self.pages) else []
        more = index + 1 < len(self.pages)
        body: Any = {"rows": rows, "pages": len(self.pages), "next": None}
        headers = CIMultiDict({"X-Total": str(len(self.records))})
        if self.style == "cursor" and more:
            body["next"] = f"c {index + 1}"
        if self.style == "next_url" and more:
            body["next"] = f"/api?page={index + 1}"
        if self.style == "link" and more:
            headers["Link"] = f'<{url.split("?", maxsplit=1)[0]}?page={index + 1}>; rel="next"'
        return Answer(url, CIMultiDictProxy(headers), msgspec.json.encode(body)), body

    def _index(self, url: str, query: dict[str, str]) -> int:
        match self.style:
            case "page":
                return int(query["p"]) - 1
            case "cursor":
                return int(query["p"].rsplit(maxsplit=1)[1]) if "p" in query else 0
            case "next_url" | "link":
                return int(url.partition("page=")[2] or 0)
            case "offset":
                return self._page_behind(int(query["p"]))
            case "keyset":
                keys = [entry["id"] for entry in self.records]
                return self._page_behind(keys.index(query["p"]) + 1 if "p" in query else 0)
        return 0

    def _page_behind(self, count: int) -> int:
        for index, page in enumerate(self.pages):
            if count <= 0:
                return index
            count -= len(page)
        return len(self.pages)


STYLES = {
    "page": {"parameter": "p", "pages_at": "pages"}, "offset": {"parameter": "p"}, "next_url": {"next_at": "next"},
    "cursor": {"parameter": "p", "next_at": "next"}, "keyset": {"parameter": "p", "key_from": "id"}, "link": {},
}  # fmt: skip


@MANY
@given(
    style=st.sampled_from(sorted(STYLES)),
    lengths=st.lists(st.integers(1, 4), min_size=1, max_size=7),
    stop=st.integers(1, 7),
    total=st.booleans(),
)
def test_pages_of_any_length_and_style_lose_and_double_nothing_even_when_they_break_off(
    style: str, lengths: list[int], stop: int, total: bool
) -> None:
    numbers = iter(range(sum(lengths)))
    pages = [[{"id": f"K {next(numbers)}"} for _ in range(length)] for length in lengths]
    rest = {"records_at": "rows", "paging": {"style": style, **STYLES[style]}}
    if total:
        rest["total_header"] = "X-Total"
    api = AnyApi(style, pages)
    connector = RestConnector(profile(rest=rest), api)  # type: ignore[arg-type]

    async def walk(after: str | None, most: int) -> tuple[list[str], str | None]:
        ask = Ask(
            Address("probe", "http://a.example", "api"), Window(None, datetime(2021, 7, 1, tzinfo=UTC)), "UTC", after
        )
        found: list[str] = []
        async for page in connector.pages(ask):
            found += [
                record.data["id"]
                for record in connector.read(Page(page.name, page.content, headers=page.headers)).records
            ]
            most -= 1
            if most == 0 and page.position is not None:
                return found, page.position
        return found, None

    first, position = asyncio.run(walk(None, stop))
    rest_of_it = asyncio.run(walk(position, -1))[0] if position is not None else []
    assert first + rest_of_it == [entry["id"] for entry in api.records]


# -- times -------------------------------------------------------------------------------------------------------------

ZONES = st.sampled_from(["Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura", "UTC"])
MOMENTS = st.datetimes(datetime(2000, 1, 3), datetime(2099, 12, 30))  # noqa: DTZ001 - read in the zone that is drawn
INDONESIAN = list(MONTHS)[:12]
PIECES = {
    "%d/%m/%Y %H:%M:%S": lambda t: f"{t:%d/%m/%Y %H:%M:%S}",
    "%d-%m-%y %H.%M.%S": lambda t: f"{t.day}-{t.month}-{t:%y %H.%M.%S}",
    "%Y-%m-%dT%H:%M:%S.%f": lambda t: f"{t:%Y-%m-%dT%H:%M:%S.%f}",
    "%d %B %Y pukul %H.%M.%S": lambda t: f"{t.day} {INDONESIAN[t.month - 1].title()} {t:%Y} pukul {t:%H.%M.%S}",
    "%d %b %Y, %H:%M:%S": lambda t: f"{t.day} {INDONESIAN[t.month - 1][:3].title()}. {t:%Y, %H:%M:%S}",
    "%m/%d/%Y %I:%M:%S %p": lambda t: f"{t:%m/%d/%Y %I:%M:%S} {'pm' if t.hour > 11 else 'am'}",
    "(%Y) [%m] {%d} %H+%M*%S?": lambda t: f"({t:%Y}) [{t:%m}] {{{t:%d}}} {t:%H+%M*%S}?",
}


@MANY
@given(moment=MOMENTS, zone=ZONES, form=st.sampled_from(sorted(PIECES)))
def test_a_time_that_was_written_in_a_format_is_read_back(moment: datetime, zone: str, form: str) -> None:
    kept = moment if "%f" in form else moment.replace(microsecond=0)
    assert parser(form, zone)(PIECES[form](moment)) == kept.replace(tzinfo=ZoneInfo(zone))


@MANY
@given(moment=MOMENTS, zone=ZONES, minutes=st.integers(-12 * 60, 14 * 60), colon=st.booleans())
def test_a_time_with_its_own_offset_keeps_it(moment: datetime, zone: str, minutes: int, colon: bool) -> None:
    aware = moment.replace(microsecond=0, tzinfo=ZoneInfo("UTC")) + timedelta(0)
    local = aware + timedelta(minutes=minutes)
    sign, (hours, rest) = "-" if minutes < 0 else "+", divmod(abs(minutes), 60)
    offset = f"{sign}{hours:02d}{':' if colon else ''}{rest:02d}"
    for form, text in (
        ("%Y-%m-%d %H:%M:%S%z", f"{local:%Y-%m-%d %H:%M:%S}{offset}"),
        ("iso", f"{local:%Y-%m-%dT%H:%M:%S}{offset}"),
    ):
        assert parser(form, zone)(text) == (aware if local.year >= EARLIEST_YEAR else None)


@MANY
@given(moment=MOMENTS, zone=ZONES)
def test_numbers_that_stand_for_times_are_read_back(moment: datetime, zone: str) -> None:
    moment = moment.replace(microsecond=0)
    aware = moment.replace(tzinfo=ZoneInfo(zone))
    days = (moment - datetime(1899, 12, 30)) / timedelta(days=1)  # noqa: DTZ001 - a spreadsheet's days have no zone
    assert parser("unix", zone)(str(int(aware.timestamp()))) == aware
    assert parser("unix_ms", zone)(str(int(aware.timestamp()) * 1000)) == aware
    assert parser("excel", zone)(repr(days)) == aware


@MANY
@given(
    text=st.text(max_size=40) | st.from_regex(r"\A[0-9T:+\-/. Z]{0,30}\Z"),
    form=st.sampled_from([*sorted(PIECES), "iso", "unix", "unix_ms", "excel", "%Y-%m-%d %H:%M:%S%z"]),
    zone=st.sampled_from(["Asia/Jakarta", "America/New_York"]),
)
@example(text="9999-12-31T23:59:59-12:00", form="iso", zone="UTC")
@example(text="9999-12-31T23:59:59", form="iso", zone="America/New_York")
@example(text="2021-06-01 00:00:00+99:99", form="%Y-%m-%d %H:%M:%S%z", zone="UTC")
@example(text="٢٠٢١-٠٦-٠١", form="%Y-%m-%d", zone="UTC")
@example(text="999999999999999", form="excel", zone="UTC")
def test_what_is_no_time_is_none_and_never_an_error(text: str, form: str, zone: str) -> None:
    read = parser(form, zone)(text)
    assert read is None or (read.tzinfo is UTC and read.year >= EARLIEST_YEAR - 1)


@pytest.mark.parametrize("form", ["%d %d", "%B %b", "%Q", "%"])
def test_a_format_that_is_none_is_a_fault_of_the_profile(form: str, tmp_path: Path) -> None:
    (tmp_path / "p.yml").write_text(
        f"description: x\nresource: units\nformats: ['{form}']\nfields: {{unit_code: {{from: a}}}}\n"
    )
    if form == "%":
        assert read_profile("p", tmp_path).formats == ["%"]
        return
    with pytest.raises(ProfileInvalid, match=r"p\.yml"):
        read_profile("p", tmp_path)


EVERY_READER = [
    Readers(profile(), zone, b"s" * 32).reader("unit_name", FieldSpec(source="v", type=kind))
    for kind in get_args(FieldSpec.model_fields["type"].annotation)
    for zone in ("Asia/Jakarta", "America/New_York")
]


@FEW
@given(st.datetimes() | st.dates() | st.times() | st.none() | st.text() | st.integers() | st.floats())
@example(datetime(9999, 12, 31, 23, 59))  # noqa: DTZ001 - as a workbook gives it
@example(datetime(1, 1, 1))  # noqa: DTZ001
def test_whatever_a_workbook_gives_for_a_time_is_read_or_unreadable(value: Any) -> None:
    for read in EVERY_READER:
        try:
            read({"v": value}, ())
        except Unreadable:
            continue


# -- numbers and texts -------------------------------------------------------------------------------------------------


def grouped(number: int, sign: str) -> str:
    return f"{number:,}".replace(",", sign)


@MANY
@given(st.integers(-(10**18) + 1, 10**18 - 1))
def test_whole_numbers_are_read_with_and_without_points(number: int) -> None:
    assert integer(str(number)) == integer(number) == integer(grouped(number, ".")) == integer(f" {number} ") == number
    assert integer(f"{abs(number)}.0") == abs(number)


@MANY
@given(
    number=st.decimals(-(10**12), 10**12, places=2, allow_nan=False),
    prefix=st.sampled_from(["", "Rp", "Rp ", "IDR ", "Rp\u00a0"]),
)
def test_decimals_are_read_in_both_locales(number: Decimal, prefix: str) -> None:
    whole, _, cents = f"{abs(number):.2f}".partition(".")
    sign = "-" if number < 0 else ""
    indonesian = f"{sign}{grouped(int(whole), '.')},{cents}"
    english = f"{sign}{grouped(int(whole), ',')}.{cents}"
    assert decimal(prefix + indonesian, comma=True) == number
    assert decimal(prefix + english) == number
    assert decimal(f"{sign}{whole},{cents}") == number


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | st.binary(max_size=5)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@MANY
@given(JSON)
@example(10**4299)
def test_no_value_raises_anything_but_unreadable(value: Any) -> None:
    for read in (
        integer,
        decimal,
        as_text,
        lambda given: decimal(given, comma=True),
        lambda given: cut(given, FieldSpec(source="x", split="-", part=1, strip="#", upper=True)),
    ):
        try:
            read(value)
        except Unreadable:
            continue
    value_at(value, "a.b.c")


@MANY
@given(
    st.dictionaries(
        st.sampled_from(
            [
                "nomor_laporan",
                "status",
                "riwayat",
                "pelapor",
                "unit",
                "kategori",
                "anonim",
                "tanggal_masuk",
                "isi",
                "judul",
                "kanal",
            ]
        ),
        JSON,
    )
)
def test_any_record_becomes_one_row(data: dict[str, Any]) -> None:
    mapper = Mapper(read_profile("lapor_v3"), "A", "Asia/Jakarta", b"s" * 32)
    row, events = mapper.rows(Record("row 1", data))
    for made, table in ((row, "complaints"), *((event, "complaint_events") for event in events)):
        assert len(made.content_hash(table)) == 16


TELLING = st.lists(
    st.sampled_from(["nama saya", "Budi", "Santoso", "0812-3456-7890", "+62 812 3456 789", "3171012345678901", "B 1234 XYZ", "budi@contoh.go.id",
                     "12.345.678.9-012.345", "#6100001", "P-123/4567/X", "hormat kami,", "a.n.", "1234567890", "dan", "di", ".", "-", "@", "İ", "ß"])
    | st.text(max_size=8),
    max_size=12,
).map(" ".join)  # fmt: skip


@MANY
@given(
    text=TELLING | st.text(max_size=120), own=st.builds(Identity, *[st.none() | st.text(min_size=1, max_size=12)] * 5)
)
def test_redaction_never_fails_and_what_is_redacted_stays_as_it_is(text: str, own: Identity) -> None:
    once = redact(text)
    assert redact(once) == once
    masked = redact(text, own.words())
    assert isinstance(masked, str)
    for word in ("3171012345678901", "budi@contoh.go.id"):
        assert word not in once.split()


@MANY
@given(
    texts=st.lists(TELLING | st.text(max_size=120), min_size=1, max_size=3),
    own=st.builds(Identity, *[st.none() | st.text(min_size=1, max_size=12)] * 5),
)
def test_what_is_harmless_from_afar_stays_as_it_is(texts: list[str], own: Identity) -> None:
    together = "\n".join(texts)
    lowered = together.lower()
    if is_harmless(together, lowered) and not names(own.words(), lowered):
        assert [redact(text, own.words()) for text in texts] == texts


@pytest.mark.parametrize("text", ["a" * 20_000 + "@", "a.b-" * 5_000 + "@", "1 " * 10_000, "nama," * 4_000, "P-1" * 6_000, "a@" + "b." * 9_000, "#1" * 9_000, "+62" * 6_000])  # fmt: skip
def test_no_text_takes_long_to_redact(text: str) -> None:
    began = os.times().user
    redact(text)
    assert os.times().user - began < 0.3


def test_a_date_is_read_as_it_stands() -> None:
    read = Readers(profile(), "Asia/Jakarta", b"s" * 32).reader("unit_name", FieldSpec(source="v", type="date"))
    assert read({"v": date(2021, 6, 1)}, ()) == date(2021, 6, 1)
