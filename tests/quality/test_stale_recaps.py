"""Recaps copied from the period before, made up and real (East Java's official totals, January 2023 to August 2024)."""

import csv
from calendar import monthrange
from datetime import date, timedelta

import pytest

from quality.gate import gate
from tests.conftest import SHARED_DATA
from tests.quality.world import BATAM, NIGHT, World

EAST_JAVA = SHARED_DATA / "real" / "sp4n_jatim_monthly" / "counts.csv"
MONTHS = dict(
    zip(
        [
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
        ],
        range(1, 13),
        strict=True,
    )
)
COUNTS = {
    "received_count": "jumlah_pengaduan",
    "unverified_count": "belum_terverifikasi",
    "unanswered_count": "belum_ditindaklanjuti",
    "in_progress_count": "proses",
    "completed_count": "selesai",
    "on_hold_count": "tunda",
    "archived_count": "arsip",
}


def month(number: int) -> dict[str, date]:
    return {
        "period_start": date(2021, number, 1),
        "period_end": date(2021, number, monthrange(2021, number)[1]),
    }


def flags(world: World, rule_id: str) -> list[int]:
    rows = world.run("select row_id from quality.row_flag where rule_id = %s order by row_id", [rule_id])
    return [row_id for (row_id,) in rows]


def test_a_period_copied_from_the_one_before_is_flagged_even_across_nights(world: World) -> None:
    world.row("recaps", world.delivery(resource="recaps", night=NIGHT - timedelta(days=30)), **month(4))
    delivery = world.delivery(resource="recaps")
    copied = world.row("recaps", delivery, **month(5))
    world.row("recaps", delivery, **month(6), received_count=72)
    gate(NIGHT)
    assert flags(world, "stale_copy") == [copied]
    assert world.verdict(resource="recaps") == "pass"


def test_one_subject_that_moved_on_clears_the_whole_period(world: World) -> None:
    delivery = world.delivery(resource="recaps")
    world.run("update raw.agencies set agency_code = 'KOTA-21.72' where agency_code = %s", [BATAM])
    for number, count in ((5, 3), (6, 4)):
        world.row("recaps", delivery, **month(number))
        world.row("recaps", delivery, **month(number), subject_code="KOTA-21.72", received_count=count)
    gate(NIGHT)
    assert flags(world, "stale_copy") == []


def test_quiet_periods_are_no_copies(world: World) -> None:
    delivery = world.delivery(resource="recaps")
    for number in (5, 6):
        world.row("recaps", delivery, **month(number), received_count=0, completed_count=0)
    gate(NIGHT)
    assert flags(world, "stale_copy") == []


@pytest.mark.skipif(not EAST_JAVA.exists(), reason="the real files are not on this machine")
def test_east_java_66_do_not_add_up_and_all_38_of_february_2024_are_copies(world: World) -> None:
    night = date(2024, 9, 1)
    delivery = world.delivery("PROV-35", resource="recaps", night=night)
    with EAST_JAVA.open(encoding="utf-8", newline="") as lines:
        records = list(csv.DictReader(lines))
    rows = {}
    for record in records:
        year, number = int(record["Tahun"]), MONTHS[record["Bulan"]]
        period = {"period_start": date(year, number, 1), "period_end": date(year, number, monthrange(year, number)[1])}
        counts = {column: int(record[source]) for column, source in COUNTS.items()}
        row_id = world.row("recaps", delivery, subject_code=record["kabupaten_kota"], **period, **counts)
        rows[row_id] = period["period_start"]
    world.run(
        "insert into raw.agencies"
        " (night, registry, is_simulated, agency_code, name, kind, time_zone, content_hash)"
        " select distinct night, 'test', true, subject_code, subject_code, 'kota', 'Asia/Jakarta', 'h'::bytea"
        " from raw.recaps"
    )
    assert len(rows) == 760
    gate(night)
    assert world.quarantine() == []
    assert len(flags(world, "parts_add_up")) == 66
    assert [rows[row_id] for row_id in flags(world, "stale_copy")] == [date(2024, 2, 1)] * 38
