"""What an agency is told: rows, columns and rules in Bahasa Indonesia, and nobody's words."""

import csv
from pathlib import Path

import pytest
import python_calamine

from quality.__main__ import NOT_EVALUATED, main
from quality.feedback import SIMULATED, WHAT_TO_DO, feedback
from quality.gate import gate
from tests.quality.world import BATAM, NIGHT, World

MARK = "Siti Rahmawati"


@pytest.fixture
def judged(world: World) -> World:
    """One bad row and one flagged of ten, one delivery with a new field; the bad row's values are somebody's words."""
    delivery = world.delivery(unknown_fields=["prioritas"])
    for _ in range(9):
        world.complaint(delivery)
    world.complaint(
        delivery, tracking_id="=6100001", status=None, unit_name=MARK, source_position="page 1, row 3",
        _problems=[f"status: '{MARK}' is not a word of profile lapor_v3", "unit_code: a value of shape 'aa' is no unit_code"],
    )  # fmt: skip
    gate(NIGHT)
    return world


def sheets(path: Path) -> dict[str, list[list[str]]]:
    workbook = python_calamine.CalamineWorkbook.from_path(path)
    return {name: workbook.get_sheet_by_name(name).to_python() for name in workbook.sheet_names}


def test_the_workbook_says_what_is_wrong_and_what_to_do(judged: World, tmp_path: Path) -> None:
    path, count = feedback(NIGHT, BATAM, "xlsx", tmp_path)
    assert (path, count) == (tmp_path / str(NIGHT) / f"{BATAM}.xlsx", 2)
    found = sheets(path)
    assert [row[0] for row in found["Ringkasan"][:3]] == [
        "Umpan balik kiriman data: Kota Batam", "Malam 30-06-2021", SIMULATED,
    ]  # fmt: skip
    assert found["Ringkasan"][5][:3] == ["laporan", "10", "diterima, sebagian baris ditahan"]
    assert "sumber mengirim kolom yang tidak dikenal profil" in found["Ringkasan"][5][3]
    assert found["Baris"][1:] == [
        ["laporan", "=6100001", "page 1, row 3", "_problems", "catatan", "kolom pelengkap tidak terbaca dan dikosongkan",
         WHAT_TO_DO["agency"], "rest_readable"],
        ["laporan", "=6100001", "page 1, row 3", "status", "ditahan", "status kosong atau tidak dikenal",
         WHAT_TO_DO["data engineer"], "status_known"],
    ]  # fmt: skip


def test_nobodys_words_and_no_formula_stand_in_it(judged: World, tmp_path: Path) -> None:
    path, _ = feedback(NIGHT, BATAM, "xlsx", tmp_path)
    assert MARK not in str(sheets(path))
    path, _ = feedback(NIGHT, BATAM, "csv", tmp_path)
    text = path.read_text(encoding="utf-8-sig")
    assert MARK not in text
    rows = list(csv.reader(text.splitlines(), delimiter=";"))[1:]
    assert [row[1] for row in rows] == ["'=6100001", "'=6100001"]


def test_an_agency_that_was_not_judged_gets_no_empty_file(
    judged: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["feedback", "--night", str(NIGHT), "--agency", "KOTA-99"]) == NOT_EVALUATED
    assert "nothing of KOTA-99 was judged" in capsys.readouterr().err
