"""check-profile says what is wrong, where and what to do, needs nothing but a file, and shows nobody's data."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web

from extract.__main__ import main
from extract.profile import PROFILES
from extract.profile_tools.reference import reference
from extract.profile_tools.sampling import address_of

DOCS = Path(__file__).resolve().parents[2] / "docs"
PERSON = "Velindro Tasmuk"


def national(**changes: Any) -> dict[str, Any]:
    """One complaint as the national system sends it."""
    return {
        "nomor_laporan": "#6123456", "judul": "Jalan rusak", "isi": f"Jalan berlubang. {PERSON}", "klasifikasi": "Pengaduan",
        "kategori": "Kesehatan > Pelayanan", "kanal": "Website", "cara_input": "mandiri", "anonim": False, "rahasia": True,
        "wilayah": "21.71", "unit": {"kode": "U-03", "nama": "Dinas Pendidikan"}, "kadar_pengawasan": None,
        "status": "dalam proses", "tanggal_masuk": "2021-03-04T09:00:00+07:00", "tanggal_ubah": "2021-03-08T10:00:00+07:00",
        "pelapor": {"nama": PERSON, "nik": "2171031204900000", "telepon": "081234567890", "email": None, "alamat": None},
        "riwayat": [
            {"urutan": 1, "jenis": "masuk", "waktu": "2021-03-04T09:00:00+07:00", "unit": None, "aktor": "pelapor"},
            {"urutan": 2, "jenis": "tindak lanjut", "waktu": "2021-03-08T10:00:00+07:00", "unit": None, "aktor": "sistem"},
        ],
        **changes,
    }  # fmt: skip


def answer(*records: dict[str, Any], total: int | None = None) -> bytes:
    return msgspec.json.encode(
        {"data": records, "meta": {"total": len(records) if total is None else total, "jumlah_halaman": 1}}
    )


@pytest.fixture
def checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Check a profile against a sample's bytes; the exit code and what was printed."""

    def check(content: bytes, profile: str = "lapor_v3", name: str = "jawaban.json") -> tuple[int, str]:
        sample = tmp_path / name
        sample.write_bytes(content)
        code = main(["check-profile", profile, "--sample", str(sample)])
        return code, capsys.readouterr().out

    return check


def test_a_sample_that_fits_is_told_by_count_and_code(checked: Callable[..., tuple[int, str]]) -> None:
    code, told = checked(
        answer(national(), national(nomor_laporan="#6123457", status="telah selesai", riwayat=[]), total=40)
    )
    assert code == 0
    for line in (
        "2 records on 1 page; the source states 40",
        "2 whole, 0 with problems",
        "2 events: 0 to 2 a record, 1.0 on average, 1 records without any",
        "received from 2021-03-04 to 2021-03-04",
        "DIPROSES 1, SELESAI 1",
        "reporter_key                    2 of 2",
        "supervision_level               0 of 2",
        "verdict: It fits.",
    ):
        assert line in told


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (national(status="Selesai Bersyarat"), "status: 'Selesai Bersyarat' (1, first at jawaban.json, row 1)"),
        (national(kanal="Telepati"), "channel: 'Telepati' (1,"),
        (
            national(riwayat=[{"urutan": 1, "jenis": "ditimbang", "waktu": "2021-03-04"}]),
            "event event_type: 'ditimbang' (1, first at jawaban.json, row 1, event 1)",
        ),
        (
            national(tanggal_masuk="04/03/2021"),
            "received_at: a value of shape '99/99/9999' is no time of the formats ['iso'] (1,",
        ),
        (national(anonim="mungkin"), "is_anonymous: a value of shape 'aaaaaaa' is neither yes nor no"),
        (national(tanggal_masuk="2098-03-04T09:00:00+07:00"), "received_at: 1 times lie in the future"),
        ({"nomor": 1}, "field 'nomor_laporan' is missing in every record"),
    ],
    ids=["status", "channel", "event", "date", "flag", "future", "required"],
)
def test_what_does_not_fit_is_named(sent: dict[str, Any], told: str, checked: Callable[..., tuple[int, str]]) -> None:
    code, text = checked(answer(sent))
    assert code == 1
    assert told in text
    assert "verdict: it does not fit." in text


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (answer(), "the sample has no record"),
        (b'{"laporan": []}', "has no list of records at 'data'"),
        (b'{"data": [', "is no JSON"),
        (
            answer(national(), national(nomor_laporan="#6123457"), total=1),
            "the source states 1 records and 2 were read",
        ),
    ],
    ids=["none", "elsewhere", "cut off", "more than stated"],
)
def test_a_sample_that_cannot_be_read_says_why(
    content: bytes, told: str, checked: Callable[..., tuple[int, str]]
) -> None:
    code, text = checked(content)
    assert code == 1
    assert told in text
    assert "compare a fresh sample" not in text  # which is what is being done


def test_fields_on_one_side_only_are_named(checked: Callable[..., tuple[int, str]]) -> None:
    sent = national(skor_ai=1)
    del sent["kadar_pengawasan"]
    code, told = checked(answer(sent))
    assert code == 0
    assert "fields that the profile does not know: skor_ai" in told
    assert "no record has: kadar_pengawasan, event unit.kode, event unit.nama" not in told
    assert "fields that the profile names and no record has: kadar_pengawasan\n" in told


def test_nothing_of_a_person_is_shown(checked: Callable[..., tuple[int, str]]) -> None:
    names = [f"Tirvane Boskulo{'abcdefghijklmnopqrstuvwxyz'[n]}" for n in range(21)]
    shifted = [national(status=name, kanal="081234567890", wilayah=name, pelapor=None) for name in names]
    code, told = checked(answer(national(status=PERSON, klasifikasi="2171031204900000"), *shifted))
    assert code == 1
    for personal in (*PERSON.split(), "Boskulo", "2171031204900000", "081234567890"):
        assert personal not in told
    assert "status: 22 different ones" in told
    assert "channel: '[TELEPON]'" in told


def test_a_single_broken_line_is_the_agencys_and_many_are_the_profiles(checked: Callable[..., tuple[int, str]]) -> None:
    headings = "nomor_laporan;bintang;waktu_penilaian;nama_pelapor;nik;telepon;email\r\n"
    good = "612345{};4;15/03/2021 08:00:00;;;;\r\n"
    rows = [good.format(n) for n in range(9)]
    code, told = checked("".join([headings, *rows, "6123459;4\r\n"]).encode(), "rating_national", "nilai.csv")
    assert (code, "row: 2 cells instead of 7 (1, first at row 11)" in told) == (0, True)
    code, told = checked("".join([headings, *rows[:3], "6123459;4\r\n"]).encode(), "rating_national", "nilai.csv")
    assert (code, "row: 1 of 4 do not read" in told) == (1, True)


def test_a_file_that_states_another_number_of_rows_does_not_fit(checked: Callable[..., tuple[int, str]]) -> None:
    text = "nomor_laporan;bintang;waktu_penilaian;nama_pelapor;nik;telepon;email\r\n6123451;4;15/03/2021 08:00:00;;;;\r\nJUMLAH;2;;;;;\r\n"
    code, told = checked(text.encode(), "rating_national", "nilai.csv")
    assert (code, "the source states 2 records and 1 were read" in told) == (1, True)


@pytest.mark.parametrize("name", [path.stem for path in sorted(PROFILES.glob("*.yml"))])
def test_every_profile_of_ours_is_whole(name: str) -> None:
    assert main(["check-profile", name]) == 0


HEAD = "description: Contoh\nresource: complaints\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (HEAD + "felds: {}\n", "line 3: felds: is no key here; 'fields' is meant?"),
        (HEAD, "line 1: fields: is missing"),
        (HEAD + "fields:\n  status: {form: x, from: y}\n", "line 4: fields.status.form: is no key here; 'from' is meant?"),
        (HEAD + "fields:\n  status: {from: a, words: {no: SELESAI}}\n", "line 4: fields.status.words: False must stand in quotes"),
        (HEAD + "fields:\n  status: {from: a}\n  status: {from: b}\n", "line 5: fields.status: stands twice"),
        (HEAD + "fields:\n  stattus: {from: a}\n", "fields ['stattus'] are no columns of complaints"),
        (HEAD + "fields:\n  status: {from: a, constant: SELESAI}\n", "line 4: fields.status: give either `from` or `constant`"),
        (HEAD + "time_zone: Asia/Batam\nfields: {}\n", "time_zone 'Asia/Batam' is no IANA zone"),
        (HEAD + "formats: ['%Q']\nfields: {}\n", "unknown time directive %Q"),
        (HEAD + "rest: {paging: {style: cursor}}\nfields: {}\n", "line 3: rest.paging: paging style cursor needs next_at"),
        ("name: x\n" + HEAD + "fields: {}\n", "name: a profile is named by its file"),
        ("- a\n", "holds no keys"),
        ("a: [\n", "is no YAML"),
    ],
    ids=["key", "missing", "deep key", "yes and no", "twice", "column", "both", "zone", "format", "paging", "name", "list", "yaml"],
)  # fmt: skip
def test_a_fault_of_the_schema_is_told_with_file_line_and_key(
    text: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "kota.yml"
    path.write_text(text)
    assert main(["check-profile", str(path)]) == 1
    error = capsys.readouterr().err
    assert str(path) in error
    assert told in error


def test_a_code_that_does_not_exist_and_a_column_that_is_not_mapped_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "kota.yml"
    path.write_text(
        HEAD
        + "fields:\n  source_system: {constant: kota}\n  tracking_id: {from: a}\n  status: {from: b, words: {beres: SELESIA}}\n"
    )
    assert main(["check-profile", str(path)]) == 1
    told = capsys.readouterr().out
    assert "fields.status: 'beres' stands for SELESIA, which is none of BELUM_TERVERIFIKASI, " in told
    assert "fields.received_at: not mapped" in told
    assert "fields.report_class: not mapped" in told


@pytest.mark.usefixtures("server")
def test_an_address_is_asked_as_a_night_would_ask_it(
    serve: Callable[..., str], environment: Callable[..., None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = []

    async def handler(request: web.Request) -> web.Response:
        number = int(request.query["halaman"])
        seen.append((number, request.headers.get("Authorization")))
        record = national(nomor_laporan=f"612345{number}")
        return web.json_response({"data": [record], "meta": {"total": 2, "jumlah_halaman": 2}})

    environment(LAPOR_CREDENTIAL_SAMPLE="rahasia-1")
    path = tmp_path / "kota.yml"
    path.write_text("auth: {style: bearer}\n" + (PROFILES / "lapor_v3.yml").read_text())
    assert main(["check-profile", str(path), "--sample", serve(handler) + "/v3/laporan"]) == 0
    told = capsys.readouterr().out
    assert seen == [(1, "Bearer rahasia-1"), (2, "Bearer rahasia-1")]
    assert "2 records on 2 pages; the source states 2" in told
    assert "rahasia-1" not in told


@pytest.mark.parametrize(
    "arguments",
    [["--sample", "https://u:kunci@contoh.go.id/x"], ["--sample", "tidak-ada.json"], ["--agency-zone", "Mars"], ["--connector", "ftp"]],
    ids=["secret", "no file", "zone", "connector"],
)  # fmt: skip
def test_a_command_that_cannot_be_understood_is_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["check-profile", "lapor_v3", *arguments])
    assert stop.value.code == 2
    assert "kunci" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("place", "kind", "base", "location"),
    [
        ("https://contoh.go.id/v3/laporan?unit=1", "rest", "https://contoh.go.id", "v3/laporan?unit=1"),
        ("https://contoh.go.id/georeport/v2/requests.json", "open311", "https://contoh.go.id", "georeport/v2"),
        (
            "sftp://lapor@contoh.go.id:2222/keluar/a%20b.csv",
            "tabular",
            "sftp://lapor@contoh.go.id:2222/keluar",
            "a b.csv",
        ),
        (
            "s3://ember/harian/*.csv?endpoint=https://s3.contoh.go.id",
            "tabular",
            "s3://ember/harian?endpoint=https://s3.contoh.go.id",
            "*.csv",
        ),
        (
            "postgresql://contoh.go.id:5432/aduan#publik.lapor",
            "sql",
            "postgresql://contoh.go.id:5432/aduan",
            "publik.lapor",
        ),
    ],
)
def test_an_address_splits_as_a_registry_would_split_it(place: str, kind: str, base: str, location: str) -> None:
    address = address_of(place, kind)
    assert (address.base, address.location) == (base, location)


def test_the_reference_of_profiles_is_current() -> None:
    written = (DOCS / "profile-reference.md").read_text()
    assert written == reference(), "run: python -m extract profile-reference > docs/profile-reference.md"
