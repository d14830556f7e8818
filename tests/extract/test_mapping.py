"""A profile turns a record into canonical rows; what does not read becomes a problem that names no person."""

from datetime import UTC, datetime
from typing import Any

import pytest

from extract.connectors.tabular import TabularConnector
from extract.errors import DeliveryFailed
from extract.mapping import Mapper
from extract.profile import read_profile
from extract.records import COLUMNS, COMPLAINTS, EVENTS, RECAPS, SURVEYS, Record, Row

SECRET = b"s" * 32


def national(**changes: Any) -> dict[str, Any]:
    record: dict[str, Any] = {
        "nomor_laporan": "#6123456", "judul": "Jalan rusak", "isi": "Jalan berlubang. Velindro Tasmuk 081234567890",
        "klasifikasi": "Pengaduan", "kategori": "Kesehatan > Pelayanan\u00a0Kesehatan", "kanal": "Android - dinas-pupr",
        "cara_input": "mandiri", "anonim": False, "rahasia": True, "wilayah": "21.71",
        "unit": {"kode": "U-03", "nama": "Dinas Pendidikan"}, "kadar_pengawasan": None, "status": "Dalam  Proses",
        "tanggal_masuk": "2021-03-04T09:00:00+07:00", "tanggal_ubah": "2021-03-08T10:00:00+07:00",
        "pelapor": {"nama": "Velindro Tasmuk", "nik": "2171031204900000", "telepon": None, "email": None, "alamat": None},
        "riwayat": [
            {"urutan": 1, "jenis": "masuk", "waktu": "2021-03-04T09:00:00+07:00", "unit": None, "aktor": "pelapor"},
            {"urutan": 2, "jenis": "tindak lanjut", "waktu": "2021-03-08T10:00:00+07:00", "unit": None, "aktor": "sistem"},
        ],
    }  # fmt: skip
    return {**record, **changes}


def mapped(data: dict[str, Any], profile: str = "lapor_v3") -> tuple[dict[str, Any], Row, list[dict[str, Any]], Mapper]:
    mapper = Mapper(read_profile(profile), "KOTA-21.71", "Asia/Makassar", SECRET)
    row, events = mapper.rows(Record("page 1, row 1", data))
    table = mapper.profile.table
    return (
        dict(zip(COLUMNS[table], row.values, strict=True)),
        row,
        [dict(zip(COLUMNS[EVENTS], event.values, strict=True)) for event in events],
        mapper,
    )


def test_a_record_of_the_national_system_reads_as_the_contract_says() -> None:
    values, row, events, mapper = mapped(national())
    assert row.problems == []
    assert (values["source_system"], values["tracking_id"]) == ("lapor", "6123456")
    assert (values["category_main"], values["category_label"]) == ("KESEHATAN", "PELAYANAN KESEHATAN")
    assert (values["channel"], values["status"], values["supervision_level"]) == ("ANDROID", "DIPROSES", None)
    assert values["received_at"] == datetime(2021, 3, 4, 2, 0, tzinfo=UTC)
    assert values["completed_at"] is None
    assert [(event["event_seq"], event["event_type"]) for event in events] == [(1, "MASUK"), (2, "TINDAK_LANJUT")]
    assert mapper.unknown_fields == set()


def test_a_notice_to_the_reporter_is_told_from_the_answer() -> None:
    log = [
        {
            "urutan": number,
            "jenis": kind,
            "waktu": f"2021-03-0{3 + number}T09:00:00+07:00",
            "unit": None,
            "aktor": "sistem",
        }
        for number, kind in enumerate(["masuk", "disposisi", "respon awal", "tindak lanjut"], start=1)
    ]
    _, row, events, _ = mapped(national(riwayat=log))
    assert row.problems == []
    assert [event["event_type"] for event in events] == ["MASUK", "DISPOSISI", "RESPON_AWAL", "TINDAK_LANJUT"]


def test_no_identity_leaves_the_mapper() -> None:
    _, row, _, _ = mapped(national())
    written = repr(row)
    assert "Jalan berlubang. [IDENTITAS] [TELEPON]" in written
    for personal in ("Velindro", "Tasmuk", "2171031204900000", "081234567890"):
        assert personal not in written


def test_an_anonymous_reporter_has_no_key() -> None:
    assert mapped(national())[0]["reporter_key"] is not None
    assert mapped(national(anonim=True))[0]["reporter_key"] is None


@pytest.mark.parametrize(
    ("changes", "column", "message"),
    [
        ({"status": "Selesai Bersyarat"}, "status", "status: 'Selesai Bersyarat' is not a word of profile lapor_v3"),
        ({"nomor_laporan": None}, "tracking_id", "tracking_id: missing"),
        ({"nomor_laporan": "2171031204900000"}, "tracking_id", "shape '9999999999999999' is no tracking_id"),
        (
            {"tanggal_masuk": "31/02/2021 25:00:00"},
            "received_at",
            "received_at: a value of shape '99/99/9999 99:99:99'",
        ),
        ({"anonim": "mungkin"}, "is_anonymous", "is_anonymous: a value of shape 'aaaaaaa' is neither yes nor no"),
        ({"wilayah": "Batam Kota"}, "kemendagri_code", "kemendagri_code: a value of shape 'aaaaa aaaa'"),
        ({"klasifikasi": {"a": 1}}, "report_class", "report_class: is a structure"),
    ],
)
def test_what_does_not_read_is_null_with_a_problem(changes: dict[str, Any], column: str, message: str) -> None:
    values, row, _, _ = mapped(national(**changes))
    assert values[column] is None
    assert any(message in problem for problem in row.problems), row.problems


def test_an_unknown_word_that_is_the_reporters_name_is_not_quoted() -> None:
    _, row, _, _ = mapped(national(status="Velindro"))
    assert row.problems == ["status: '[IDENTITAS]' is not a word of profile lapor_v3"]


def test_a_required_field_that_is_gone_everywhere_fails_the_delivery_by_name() -> None:
    record = national()
    del record["status"]
    _, row, _, mapper = mapped(record)
    assert row.problems == ["status: field 'status' is missing"]
    with pytest.raises(DeliveryFailed, match="page 1: field 'status' is missing in every record, and profile lapor_v3"):
        mapper.require_fields("page 1")
    mapper.rows(Record("row 2", national()))  # one record that has it: the others are rows with a problem
    mapper.require_fields("page 1")


def test_a_new_field_is_reported_as_drift() -> None:
    assert mapped(national(skor_ai=1))[3].unknown_fields == {"skor_ai"}


@pytest.mark.parametrize("tracking", [6123456, 6123456.0, "6123456", " #6123456 "])
def test_an_id_of_any_type_is_the_same_text(tracking: object) -> None:
    assert mapped(national(nomor_laporan=tracking))[0]["tracking_id"] == "6123456"


def test_nul_and_lone_surrogates_are_taken_out() -> None:
    values, _, _, _ = mapped(national(unit={"kode": "U-1", "nama": "Dinas\x00 \ud800Sosial"}))
    assert values["unit_name"] == "Dinas Sosial"


def test_a_reopened_complaint_is_not_completed() -> None:
    times = ["2021-03-04T09:00:00+07:00", "2021-03-05T09:00:00+07:00", "2021-03-06T09:00:00+07:00"]
    kinds = ["masuk", "selesai manual", "buka kembali"]
    log = [
        {"urutan": n, "jenis": k, "waktu": t, "unit": None, "aktor": None}
        for n, (k, t) in enumerate(zip(kinds, times, strict=True), 1)
    ]
    assert mapped(national(riwayat=log))[0]["completed_at"] is None
    assert mapped(national(riwayat=log[:2]))[0]["completed_at"] == datetime(2021, 3, 5, 2, 0, tzinfo=UTC)


def test_milestone_columns_become_events_in_order() -> None:
    profile = read_profile("csv_drop")
    data: dict[str, Any] = dict.fromkeys(("kategori_utama", "kategori", "nama_pelapor", "nik", "telepon", "email"), "")
    data |= {column.source: "" for column in profile.events.columns}
    data |= {
        "tracking_id": "6123456", "klasifikasi": "Aspirasi", "kanal": "Website", "cara_input": "petugas", "anonim": "Tidak",
        "rahasia": "Ya", "kode_kemendagri": "53.71", "unit_kerja": "DINAS PUPR", "status": "telah selesai", "judul": "", "isi": "",
        "waktu_masuk": "04/03/2021 09:00:00", "waktu_disposisi": "05/03/2021 09:00:00", "waktu_selesai": "08/03/2021 09:00:00",
        "cara_selesai": "otomatis", "waktu_ubah": "08/03/2021 09:00:00",
    }  # fmt: skip
    values, row, events, mapper = mapped(data, "csv_drop")
    assert row.problems == []
    assert [event["event_type"] for event in events] == ["MASUK", "DISPOSISI", "SELESAI_OTOMATIS"]
    assert [event["event_seq"] for event in events] == [1, 3, 7]
    assert values["completed_at"] == datetime(
        2021, 3, 8, 2, 0, tzinfo=UTC
    )  # the export is in WIB wherever the agency is
    assert mapper.unknown_fields == set()


def test_a_recap_of_east_java_reads_its_month_and_regency() -> None:
    data = {"periode_update": "Februari 2024", "Bulan": "Februari", "Tahun": 2024.0, "kabupaten_kota": "Kota Surabaya"}
    counts = ("jumlah_pengaduan", "belum_terverifikasi", "belum_ditindaklanjuti", "proses", "selesai", "tunda", "arsip")
    values, row, _, mapper = mapped({**data, **{name: float(n) for n, name in enumerate(counts)}}, "jatim_recap")
    assert row.problems == []
    assert values["subject_code"] == "KOTA-35.78"
    assert (str(values["period_start"]), str(values["period_end"])) == ("2024-02-01", "2024-02-29")
    assert [values[name] for name in COLUMNS[RECAPS] if name.endswith("_count")] == [0, None, 1, 2, 3, 4, 5, 6]
    assert mapper.unknown_fields == set()


def test_survey_words_become_scores_and_an_unknown_word_a_problem() -> None:
    profile = read_profile("lapor_survey")
    assert profile.answers is not None
    data = {"kode_survei": "LAPOR-2020", "tahun": "2020", "id_responden": "R-17", "kode_provinsi": "21", "strata": "", "bobot": "1,5",
            "tanggal_wawancara": "2020-11-02", **dict.fromkeys(profile.answers.attributes, "Puas")}  # fmt: skip
    values, row, _, _ = mapped({**data, "kecepatan_respons": "Tidak puas", "penyelesaian": "Entahlah"}, "lapor_survey")
    assert values["answers"]["kecepatan_respons"] == 1
    assert values["answers"]["kerahasiaan"] == 3
    assert "penyelesaian" not in values["answers"]
    assert row.problems == ["answers: penyelesaian: 'Entahlah' is not a word of profile lapor_survey"]
    assert values["respondent_key"] not in (None, "R-17")
    assert str(values["sampling_weight"]) == "1.5"
    assert dict(zip(COLUMNS[SURVEYS], row.values, strict=True)) == values


def test_content_does_not_depend_on_when_it_was_touched() -> None:
    _, first, _, _ = mapped(national())
    _, touched, _, _ = mapped(national(tanggal_ubah="2021-04-01T00:00:00+07:00"))
    _, changed, _, _ = mapped(national(isi="Lain"))
    assert first.content_hash(COMPLAINTS) == touched.content_hash(COMPLAINTS)
    assert first.content_hash(COMPLAINTS) != changed.content_hash(COMPLAINTS)


def test_headings_with_points_are_names_and_not_paths() -> None:
    profile = read_profile("xlsx_drop")
    data: dict[str, Any] = dict.fromkeys(TabularConnector(profile).headings, "")
    data |= {
        "No. Tracking": 6123456.0,
        "Anonim": "Ya",
        "Rahasia": "Tidak",
        "Waktu Masuk": "4 Maret 2021 09.12.44",
        "Status": "terdisposisi",
    }
    values, row, _, mapper = mapped(data, "xlsx_drop")
    assert row.problems == []
    assert values["tracking_id"] == "6123456"
    assert values["received_at"] == datetime(
        2021, 3, 4, 1, 12, 44, tzinfo=UTC
    )  # the workbook is in the agency's zone, WITA
    assert mapper.unknown_fields == set()
