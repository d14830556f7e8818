"""A draft from a sample of each dialect reads what matters; what it cannot tell is marked, and no person is in it."""

import io
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
import xlsxwriter

from extract.connectors import Page, connector_for
from extract.mapping import Mapper
from extract.profile import PROFILES, Profile, read_profile
from extract.profile_tools.check import main as check
from extract.profile_tools.check import shortcomings
from extract.profile_tools.draft import main, written
from extract.profile_tools.drafting import draft_of
from extract.profile_tools.guessing import guess_times
from extract.profile_tools.profile_file import read_file
from extract.profile_tools.sampling import kind_of
from extract.records import BESIDE, COLUMNS, COMPLAINTS

ZONE = ZoneInfo("Asia/Makassar")
DIALECTS = [path.stem for path in sorted(PROFILES.glob("*.yml")) if read_profile(path.stem).resource == "complaints"]
MONTHS = [
    "Januari",
    "Februari",
    "Maret",
    "April",
    "Mei",
    "Juni",
    "Juli",
    "Agustus",
    "September",
    "Oktober",
    "November",
    "Desember",
]
NAMES = ["Velindro Tasmuk", "Marbela Quontir", "Osdrun Helpavi", "Tirvane Boskulo"]
# Id, status, day of receipt in March 2021: one day above 12, so that day and month can be told apart.
COMPLAINTS_SENT = [
    ("6123451", "DIPROSES", 4),
    ("6123452", "SELESAI", 15),
    ("6123453", "TERDISPOSISI", 5),
    ("6123454", "SELESAI", 6),
]


def received(day: int) -> datetime:
    return datetime(2021, 3, day, 9, 12, 44, tzinfo=ZONE)


# -- samples: an existing profile read backwards -----------------------------------------------------------------------


def written_time(profile: Profile, time: datetime) -> Any:
    """The time as the dialect writes it, on the clock of Makassar."""
    match profile.formats[0]:
        case "unix":
            return int(time.timestamp())
        case "iso":
            return (time.replace(tzinfo=None) if profile.time_zone == "agency" else time).isoformat()
        case pattern:
            return time.strftime(pattern.replace("%B", MONTHS[time.month - 1]))


def put(record: dict[str, Any], path: str, value: Any, *, flat: bool) -> None:
    *above, leaf = [path] if flat else path.split(".")
    for step in above:
        record = record.setdefault(step, {})
    record[leaf] = value


def word_for(words: dict[str, Any], code: str) -> str | None:
    return next((word for word, meaning in words.items() if meaning == code), None)


def record_of(profile: Profile, number: int, *, flat: bool) -> dict[str, Any]:
    tracking_id, status, day = COMPLAINTS_SENT[number]
    time = written_time(profile, received(day))
    record: dict[str, Any] = {}
    for name, spec in profile.fields.items():
        if spec.source is None or (name == "category_label" and spec.split):
            continue
        wanted = {"status": status, "channel": "WEBSITE", "report_class": "PENGADUAN", "input_method": "MANDIRI"}
        value: Any = {"tracking_id": tracking_id, "kemendagri_code": "21.71", "unit_code": "U-1"}.get(
            name, f"Kata {name}"
        )
        if spec.words:
            word = word_for(spec.words, wanted.get(name, ""))
            # East and West know fewer states: what a dialect cannot say it does not send.
            value = word if word is not None else word_for(spec.words, "SELESAI") if name == "status" else None
            value = {"True": True, "False": False}.get(value, value)
        elif spec.type == "timestamp":
            value = time
        elif spec.type == "boolean":
            value = "Tidak" if flat else False
        elif name == "category_main" and spec.split:
            value = f"Kesehatan{spec.split}Pelayanan"
        put(record, spec.source, value, flat=flat)
    for part, value in (
        ("name", NAMES[number]),
        ("national_id", f"217103120490000{number}"),
        ("phone", f"081234567{number}90"),
        ("email", f"p{number}@contoh.id"),
    ):
        if path := getattr(profile.identity, part):
            put(record, path, value, flat=flat)
    for path in (profile.text.title, profile.text.body):
        if path:
            put(record, path, f"Jalan berlubang nomor {number}", flat=flat)
    add_events(profile, record, tracking_id, time, flat=flat)
    for name in profile.ignore:
        record.setdefault(name, f"Lain {number}")
    return record


def add_events(profile: Profile, record: dict[str, Any], tracking_id: str, time: Any, *, flat: bool) -> None:
    spec = profile.events
    for column in spec.columns:
        if column.source not in record:
            put(record, column.source, "", flat=flat)
        if column.kind_from and column.kind_from not in record:
            put(record, column.kind_from, "", flat=flat)
    entry: dict[str, Any] = {}
    for name, field in spec.fields.items():
        value: Any = {"event_seq": 1, "occurred_at": time, "unit_name": "Dinas Sosial"}.get(name)
        if field.words:
            value = word_for(field.words, {"event_type": "MASUK", "actor_level": "PELAPOR"}[name])
        put(entry, field.source or "", value, flat=False)
    if spec.list:
        record[spec.list] = msgspec.json.encode([entry]).decode() if profile.sql else [entry]
    elif spec.parallel:
        for name, path in spec.parallel.items():
            put(record, path, [entry[name]], flat=False)
    elif spec.body_list:
        record[BESIDE] = {**entry, str(spec.key_from): tracking_id}


def page_of(profile: Profile) -> Page:
    """A whole answer or file of the dialect."""
    said = read_file(PROFILES / f"{profile.name}.yml")[1]
    flat = not ({"rest", "open311", "sql"} & said.keys())
    records = [record_of(profile, number, flat=flat) for number in range(len(COMPLAINTS_SENT))]
    if flat:
        return table_of(profile, records)
    if profile.open311.format == "xml":
        elements = "".join(
            f"<request>{''.join(f'<{k}>{str(v).lower() if v is False else v}</{k}>' for k, v in record.items())}</request>"
            for record in records
        )
        return Page("requests.xml", f"<service_requests>{elements}</service_requests>".encode())
    spec = profile.rest
    body: dict[str, Any] = {}
    if "rest" not in said or not spec.records_at:
        return Page("answer.json", msgspec.json.encode(records))
    beside = [record.pop(BESIDE) for record in records if BESIDE in record]
    if beside:
        put(body, str(profile.events.body_list), beside, flat=False)
    put(
        body,
        spec.records_at,
        [{spec.record_at: record} if spec.record_at else record for record in records],
        flat=False,
    )
    for path, value in (
        (spec.total_at, 250),
        (spec.paging.pages_at, 2),
        (spec.paging.next_at, "/next/2" if spec.paging.style == "next_url" else "abc2"),
    ):
        if path:
            put(body, path, value, flat=False)
    return Page("answer.json", msgspec.json.encode(body))


def table_of(profile: Profile, records: list[dict[str, Any]]) -> Page:
    headings = list(records[0])
    rows = [headings, *([record[name] for name in headings] for record in records)]
    if profile.tabular.sheet is None:
        return Page(
            "drop.csv",
            "".join(";".join("" if cell is None else str(cell) for cell in row) + "\r\n" for row in rows).encode(),
        )
    content = io.BytesIO()
    with xlsxwriter.Workbook(content) as workbook:
        workbook.add_worksheet("Catatan").write_row(0, 0, ["Catatan bulan ini"])
        sheet = workbook.add_worksheet(profile.tabular.sheet)
        for number, row in enumerate([["Laporan malam ini"], [], *rows]):
            sheet.write_row(number, 0, row)
    return Page("drop.xlsx", content.getvalue())


# -- drafts ------------------------------------------------------------------------------------------------------------


def drafted(page: Page, folder: Path, kind: str | None = None) -> tuple[Profile, str, dict[str, Any]]:
    """The draft of a sample as a profile, as text, and as YAML says it."""
    text = written(draft_of(page, "complaints", kind), "rancangan")
    path = folder / "rancangan.yml"
    path.write_text(text)
    profile, said = read_file(path)
    return profile, text, said


def rows_of(profile: Profile, page: Page, kind: str, zone: str) -> Iterator[dict[str, Any]]:
    mapper = Mapper(profile, "KOTA-21.71", zone, b"s" * 32)
    for record in connector_for(kind, profile, None).read(page).records:
        row, _ = mapper.rows(record)
        yield dict(zip(COLUMNS[COMPLAINTS], row.values, strict=True))
    assert mapper.unknown_fields == set()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_draft_from_a_dialect_reads_what_matters(dialect: str, tmp_path: Path) -> None:
    original = read_profile(dialect)
    page = page_of(original)
    kind = kind_of(page, read_file(PROFILES / f"{dialect}.yml")[1])
    profile, text, said = drafted(page, tmp_path, "sql" if kind == "sql" else None)
    assert kind_of(page, said) == kind
    zone = original.zone_for(ZONE.key)  # which clock a time without zone means is in no sample
    expected = list(rows_of(original, page, kind, zone))
    assert len(expected) == 4
    essential = ("tracking_id", "status", "received_at")
    assert all(row[name] is not None for row in expected for name in essential)
    assert [[row[name] for name in essential] for row in rows_of(profile, page, kind, zone)] == [
        [row[name] for name in essential] for row in expected
    ]
    assert all("TODO" in line for line in shortcomings(profile) if "is_" not in line)
    for personal in (*NAMES, "Velindro", "21710312", "0812345", "@contoh"):
        assert personal not in text


def page(*records: dict[str, Any], **around: Any) -> Page:
    return Page("jawaban.json", msgspec.json.encode({"data": records, **around}))


def complaint(**changes: Any) -> dict[str, Any]:
    return {
        "no_tiket": "T-17",
        "status": "selesai",
        "created_at": "2021-03-04T09:00:00+07:00",
        "anonim": "T",
        "rahasia": "Y",
        **changes,
    }


def test_the_place_the_total_and_the_pages_are_found(tmp_path: Path) -> None:
    _, _, said = drafted(
        page(complaint(), meta={"total": 57, "halaman": 1, "jumlah_halaman": 3, "per_halaman": 20}), tmp_path
    )
    assert said["rest"] == {
        "records_at": "data", "total_at": "meta.total",
        "paging": {"style": "page", "parameter": "halaman", "size_parameter": "per_halaman", "size": 20, "pages_at": "meta.jumlah_halaman"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("around", "paging"),
    [
        ({"next": "https://contoh.go.id/aduan?page=2"}, {"style": "next_url", "next_at": "next"}),
        ({"next": None}, {"style": "next_url", "next_at": "next"}),
        (
            {"page_info": {"endCursor": "c2"}},
            {"style": "cursor", "parameter": "cursor", "next_at": "page_info.endCursor"},
        ),
        ({"offset": 0, "limit": 50}, {"style": "offset", "parameter": "offset", "size_parameter": "limit", "size": 50}),
        ({"ok": True}, {"style": "none"}),
    ],
    ids=["address", "last page of addresses", "cursor", "offset", "nothing"],
)
def test_hints_of_paging(around: dict[str, Any], paging: dict[str, Any], tmp_path: Path) -> None:
    assert drafted(page(complaint(), **around), tmp_path)[2]["rest"]["paging"] == paging


def test_known_words_get_their_codes_and_the_others_a_mark(tmp_path: Path) -> None:
    sent = [
        complaint(no_tiket=f"T-{n}", status=word)
        for n, word in enumerate(["dalam proses", "Selesai Bersyarat", "Rembugan"])
    ]
    profile, text, _ = drafted(page(*sent), tmp_path)
    assert profile.fields["status"].words == {
        "dalam proses": "DIPROSES",
        "Selesai Bersyarat": "SELESAI",
        "Rembugan": "TODO",
    }
    assert "Selesai Bersyarat: SELESAI   # guess: check it" in text
    assert "fields.status: 'Rembugan' stands for TODO" in "\n".join(shortcomings(profile))


def test_yes_and_no_in_other_words_become_words_of_the_profile(tmp_path: Path) -> None:
    profile, _, _ = drafted(page(complaint()), tmp_path)
    assert profile.true_words == ("ya", "true", "1", "yes", "y")
    assert profile.false_words == ("tidak", "false", "0", "no", "t")


def test_persons_go_to_identity_or_stay_out_and_are_never_shown(tmp_path: Path) -> None:
    sent = complaint(
        pelapor={"nama": NAMES[0], "no_hp": "081234567890"},
        catatan_kontak="kontak@contoh.id",
        nama_petugas=NAMES[1],
        status=NAMES[0],
        oleh=NAMES[2],
    )
    profile, text, said = drafted(page(sent), tmp_path)
    assert said["identity"] == {"name": "pelapor.nama", "phone": "pelapor.no_hp", "email": "catatan_kontak"}
    assert "- nama_petugas   # looks like a person's" in text
    assert profile.fields["status"].words == {}
    for personal in (*NAMES, "081234567890", "kontak@contoh.id"):
        assert personal not in text


@pytest.mark.parametrize(
    ("values", "formats", "doubt"),
    [
        (["04/03/2021 09:00:00", "15/03/2021 10:00:00"], ["%d/%m/%Y %H:%M:%S"], False),
        (["03/04/2021 09:00:00", "03/15/2021 10:00:00"], ["%m/%d/%Y %H:%M:%S"], False),
        (["03/04/2021", "05/06/2021"], ["%d/%m/%Y"], True),
        (["4 Maret 2021 09.12.44", "04/03/2021 09:12:44"], ["%d %B %Y %H.%M.%S", "%d/%m/%Y %H:%M:%S"], True),
        ([1614823964, 1614823965], ["unix"], False),
        (["1614823964000"], ["unix_ms"], False),
        (["2021-03-04 09:12"], ["iso"], False),
        (["15-03-2021 10:00 WIB"], ["%d-%m-%Y %H:%M WIB"], False),
    ],
)  # fmt: skip
def test_the_format_is_the_one_that_reads_every_value(values: list[Any], formats: list[str], doubt: bool) -> None:
    guess = guess_times({"waktu": values})["waktu"]
    assert (sorted(guess.formats), guess.unread, guess.day_or_month) == (sorted(formats), 0, doubt)


def test_a_column_that_cannot_tell_day_from_month_follows_one_that_can() -> None:
    guesses = guess_times({"masuk": ["03/04/2021"], "ubah": ["03/15/2021 08:00"]})
    assert (guesses["masuk"].formats, guesses["masuk"].day_or_month) == (["%m/%d/%Y"], False)


def test_values_that_no_format_reads_are_counted() -> None:
    assert guess_times({"waktu": ["15/03/2021", "kemarin"]})["waktu"].unread == 1


def test_the_command_writes_a_draft_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sample, output = tmp_path / "jawaban.json", tmp_path / "kota.yml"
    sample.write_bytes(page(complaint()).content)
    assert main(["draft-profile", str(sample), "--output", str(output)]) == 0
    assert "extract/profiles/kota.yml, from 1 records" in output.read_text()
    assert check(["check-profile", str(output), "--sample", str(sample)]) == 1
    assert "description: still TODO" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="2"):
        main(["draft-profile", str(sample), "--output", str(output)])


@pytest.mark.parametrize(
    "content",
    [b"<html><title>Masuk</title></html>", b'{"data": []}', b"nomor;status\r\n"],
    ids=["a page", "nothing", "headings alone"],
)
def test_a_sample_without_records_gives_no_draft(content: bytes, tmp_path: Path) -> None:
    sample = tmp_path / "contoh"
    sample.write_bytes(content)
    assert main(["draft-profile", str(sample)]) == 1


def test_other_resources_can_be_drafted(tmp_path: Path) -> None:
    text = written(
        draft_of(
            Page("nilai.csv", b"nomor_laporan;bintang;waktu_penilaian\r\n6123451;4;15/03/2021 08:00:00\r\n"), "ratings"
        ),
        "nilai",
    )
    path = tmp_path / "nilai.yml"
    path.write_text(text)
    profile, _ = read_file(path)
    assert {name: spec.source for name, spec in profile.fields.items()} == {
        "source_system": None, "tracking_id": "nomor_laporan", "stars": "bintang", "rated_at": "waktu_penilaian",
    }  # fmt: skip
