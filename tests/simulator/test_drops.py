"""The files that agencies put down, read by tools that are not ours."""

import csv
import io
import re
from datetime import date, datetime
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook

from simulator.dialects.spreadsheets import CSV_COLUMNS, XLSX_COLUMNS
from simulator.dirt import Defect
from simulator.drops import complaints_path, csv_encoding, into_folder, write_complaints, write_drops
from simulator.faults import FaultPlan
from simulator.registry import BATAM, Agency, Way
from simulator.survey import RESPONDENTS, SATISFIED_PERCENT
from simulator.truth import expected_deliveries
from simulator.world import World

NIGHTS = tuple(date(2021, 6, day) for day in (27, 28, 29, 30))
LAST = NIGHTS[-1]


@pytest.fixture(scope="module")
def missing(region: World) -> Agency:
    return next(agency for agency in region.agencies if agency.profile == "csv_drop")


@pytest.fixture(scope="module")
def drops(region: World, missing: Agency, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All files in one folder, by whatever way they travel."""
    folder = tmp_path_factory.mktemp("drops")
    plan = FaultPlan.of({missing.code: ("missing_file", [NIGHTS[2]])})
    write_drops(region, NIGHTS, folder, plan)
    for way in (Way.HTTP_FILE, Way.SFTP, Way.S3):
        write_complaints(region, NIGHTS, way, into_folder(folder), plan)
    return folder


def read_csv(folder: Path, night: date, agency: Agency) -> list[list[str]]:
    text = complaints_path(folder, night, agency).read_bytes().decode(csv_encoding(agency))
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=";", strict=True))


def of_profile(world: World, profile: str) -> list[Agency]:
    return [agency for agency in world.agencies if agency.profile == profile]


def test_csv_files_state_their_rows_and_hold_what_is_expected(drops: Path, region: World, missing: Agency) -> None:
    expected = expected_deliveries(region, NIGHTS)
    rows = 0
    for agency in of_profile(region, "csv_drop"):
        for night in NIGHTS[:2]:
            header, *lines, total = read_csv(drops, night, agency)
            assert header == list(CSV_COLUMNS)
            assert total[:2] == ["JUMLAH", str(len(lines))]
            assert len(total) == len(CSV_COLUMNS)
            assert len(lines) == expected[night][agency.code].records
            rows += len(lines)
    assert rows > 100


def test_both_encodings_occur(drops: Path, region: World) -> None:
    agencies = of_profile(region, "csv_drop")
    starts = {complaints_path(drops, NIGHTS[0], agency).read_bytes()[:3] == b"\xef\xbb\xbf" for agency in agencies}
    assert starts == {True, False}


def test_a_ragged_row_has_two_cells_too_many(drops: Path, region: World) -> None:
    widths = [len(line) for agency in of_profile(region, "csv_drop") for line in read_csv(drops, NIGHTS[0], agency)]
    assert (region.complaints.defect == Defect.RAGGED_ROW).any()
    assert set(widths) == {len(CSV_COLUMNS), len(CSV_COLUMNS) + 2}


def test_an_empty_night_is_a_file_without_rows(drops: Path, region: World) -> None:
    expected = expected_deliveries(region, NIGHTS)
    quiet = [
        (night, agency)
        for night in NIGHTS[1:2]
        for agency in of_profile(region, "csv_drop")
        if expected[night][agency.code].records == 0
    ]
    assert quiet
    night, agency = quiet[0]
    assert [line[0] for line in read_csv(drops, night, agency)] == ["tracking_id", "JUMLAH"]


def test_a_missing_file_is_missing_and_the_next_brings_what_it_owed(
    drops: Path, region: World, missing: Agency
) -> None:
    assert complaints_path(drops, NIGHTS[1], missing).exists()
    assert not complaints_path(drops, NIGHTS[2], missing).exists()
    index = region.position(missing.code)
    _, *lines, _ = read_csv(drops, NIGHTS[3], missing)
    owed = [row for night in NIGHTS[2:] for row in expected_deliveries(region, [NIGHTS[1], night])[night].items()]
    assert len(lines) == dict(owed[-len(region.agencies) :])[missing.code].records
    assert region.agencies[index] == missing


def test_workbooks_have_a_cover_two_titles_and_a_total(drops: Path, region: World) -> None:
    expected = expected_deliveries(region, NIGHTS)
    typed = dates = 0
    for agency in of_profile(region, "xlsx_drop"):
        workbook = CalamineWorkbook.from_path(str(complaints_path(drops, NIGHTS[0], agency)))
        assert workbook.sheet_names == ["Sampul", "Data Laporan"]
        rows = workbook.get_sheet_by_name("Data Laporan").to_python()
        assert rows[2] == list(XLSX_COLUMNS)
        assert rows[-1][:2] == ["JUMLAH", len(rows) - 4]
        assert len(rows) - 4 == expected[NIGHTS[0]][agency.code].records
        received = [row[XLSX_COLUMNS.index("Waktu Masuk")] for row in rows[3:-1]]
        dates += sum(isinstance(value, datetime) for value in received)
        typed += sum(isinstance(value, str) and bool(re.match(r"\d+ [A-Z]\w+ 2021 ", value)) for value in received)
        assert all(isinstance(row[0], float) or row[0] == "" for row in rows[3:-1])
    assert dates > 50
    assert 0 < typed < 0.15 * dates


def test_batam_states_its_published_recap_on_the_last_night_only(drops: Path) -> None:
    lines = (drops / LAST.isoformat() / BATAM / "rekap.csv").read_text(encoding="utf-8").splitlines()
    assert lines[1] == "KOTA-21.71;2021-01-01;2021-06-30;71;61;;;10;46;1;"
    assert not (drops / NIGHTS[0].isoformat() / BATAM / "rekap.csv").exists()


def test_the_survey_averages_75_7_percent_over_ten_attributes_and_34_provinces(drops: Path) -> None:
    text = (drops / "survei" / "lapor_2020.csv").read_text(encoding="utf-8")
    answers = list(csv.DictReader(io.StringIO(text)))
    assert len(answers) == RESPONDENTS == 1_329
    assert len({answer["kode_provinsi"] for answer in answers}) == 34
    assert len({answer["id_responden"] for answer in answers}) == 1_329
    shares = {
        name: sum(answer[name] in {"Puas", "Sangat puas"} for answer in answers) / len(answers) * 100
        for name in SATISFIED_PERCENT
    }
    assert len(shares) == 10
    assert round(sum(shares.values()) / 10, 1) == 75.7
    ranking = sorted(shares, key=lambda name: shares[name])
    assert ranking[0] == "kecepatan_respons"
    assert set(ranking[-3:]) == {"kemudahan_mendaftar", "kemudahan_menggunakan", "kerahasiaan"}
    assert {answer["tanggal_wawancara"][:7] for answer in answers} == {"2020-10", "2020-11"}
