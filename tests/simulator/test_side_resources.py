"""Ratings, units and activity of the few agencies that hand them over."""

import csv
import io
from datetime import date
from pathlib import Path

from simulator.drops import write_drops
from simulator.faults import FaultPlan
from simulator.lifecycle import Slot
from simulator.ratings import read_ratings
from simulator.threads import Served
from simulator.workdays import DAY_SECONDS, cut_off
from simulator.world import World
from tests.simulator.client import ask
from tests.simulator.conftest import FIRST, LAST, NIGHTS


def read_csv(path: Path, delimiter: str) -> list[dict[str, str]]:
    text = path.read_bytes().decode()
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter))


def test_the_national_file_has_each_rating_of_the_national_system_once(variety: World, tmp_path: Path) -> None:
    write_drops(variety, NIGHTS, tmp_path, FaultPlan())
    files = [read_csv(tmp_path / night.isoformat() / "LMB-G001" / "penilaian.csv", ";") for night in NIGHTS]
    rated = 0
    for index, agency in enumerate(variety.agencies):
        if agency.profile == "lapor_v3":
            rated += int((variety.complaints.times[variety.rows_of(index), Slot.RATED] < cut_off(LAST)).sum())
    ratings = [row for file in files for row in file if row["nomor_laporan"] != "JUMLAH"]
    assert len(ratings) == len({row["nomor_laporan"] for row in ratings}) == rated > 20
    assert [int(file[-1]["bintang"]) for file in files] == [len(file) - 1 for file in files]
    assert {row["bintang"] for row in ratings} <= set("12345")
    assert any(row["nik"] for row in ratings)
    assert any(not row["nik"] for row in ratings), "who complained anonymously rates anonymously"


def test_a_local_channel_pages_its_ratings_until_one_is_empty(served: Served, variety: World) -> None:
    url = f"{served.url}/as-of/{LAST}/penilaian/KAB-53.15"
    given = read_ratings(variety, [variety.position("KAB-53.15")], None, cut_off(LAST))
    assert given
    first = ask(url, {"halaman": 1, "ukuran": 100}).content["penilaian"]
    assert [row["tiket"] for row in first] == [rating.ticket for rating in given[:100]]
    assert ask(url, {"halaman": 1 + -(-len(given) // 100)}).content == {"penilaian": []}
    recent = ask(url, {"sejak": "2021-06-01T00:00:00+07:00"}).content["penilaian"]
    assert len(recent) == sum(rating.at >= cut_off(date(2021, 5, 31)) for rating in given[:100]) < len(first)


def test_fast_answers_get_more_stars(nation: World) -> None:
    table = nation.complaints
    waited = table.times[:, Slot.COMPLETED] - table.times[:, Slot.RECEIVED]
    days = dict(zip(table.number.tolist(), (waited / DAY_SECONDS).tolist(), strict=True))
    stars: dict[bool, list[int]] = {True: [], False: []}
    for rating in read_ratings(nation, range(len(nation.agencies)), None, cut_off(nation.end)):
        if rating.agency.profile != "lapor_v3":
            stars[days[rating.number] < 10].append(rating.stars)
    assert min(len(given) for given in stars.values()) > 100
    assert {star for given in stars.values() for star in given} == {1, 2, 3, 4, 5}
    fast, slow = (sum(given) / len(given) for given in (stars[True], stars[False]))
    assert fast > slow + 0.8


def test_units_are_the_agency_and_what_it_routes_to(variety: World, tmp_path: Path) -> None:
    write_drops(variety, NIGHTS, tmp_path, FaultPlan())
    units = read_csv(tmp_path / FIRST.isoformat() / "KOTA-35.79" / "unit.csv", ",")
    assert units[0] == {
        "kode": "U-00",
        "nama": "Pemerintah Kota Batu",
        "induk": "",
        "jenis": "Instansi",
        "berlaku_sejak": "2017-01-01",
        "berlaku_sampai": "",
    }
    assert (units[1]["kode"], units[1]["nama"], units[1]["induk"]) == ("U-01", "Dinas Pendidikan", "U-00")
    assert len(units) == 13


def test_activity_is_one_statement_a_night(served: Served) -> None:
    statements = [ask(f"{served.url}/as-of/{night}/keaktifan/KAB-18.08").content["keaktifan"] for night in NIGHTS]
    (first,), (last,) = statements
    assert [first["per_tanggal"], last["per_tanggal"]] == ["2021-06-29", "2021-06-30"]
    assert first["sk"] == last["sk"]
    assert first["login_terakhir"] < last["login_terakhir"] < "2021-07-01"
    assert last["pejabat_penghubung"] >= 1
