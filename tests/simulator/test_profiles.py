"""Each dialect is read by the profile that sources.csv names for it: no word, field or time is unknown to it."""

import asyncio
import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from extract.connectors import Ask, Window, connector_for
from extract.connectors.http import Http
from extract.mapping import Mapper
from extract.profile import read_profile
from extract.records import COLUMNS, COMPLAINTS, EVENTS, Row
from extract.sources import Registry, Source, read_registry
from simulator.dirt import WRONG_REGIONS, Defect
from simulator.process import REPOSITORY
from simulator.registry import Way
from simulator.texts import FOREIGN_TEXTS, SHORT_TEXTS
from simulator.threads import Served, serve_all_in_thread
from simulator.truth import Expected, expected_deliveries, write_truth
from simulator.world import World
from tests.simulator.conftest import FIRST
from warehouse.settings import settings

# What defects and quirks of the truth may look like to a reader; anything else is a misunderstanding.
EXPECTED_TROUBLE = (
    "status: 'Selesai Bersyarat'",
    "received_at: a value of shape",
    "tracking_id: missing",
    "row: 30 cells",
)
PROFILES = (
    *("lapor_v3", "kanal_daerah", "offset_api", "link_api", "next_url_api", "graph_api", "georeport_json"),
    *("georeport_xml", "sql_sqlite", "sql_postgres", "csv_drop", "xlsx_drop", "ods_drop"),
)
LEGIBLE_DIRT = {
    *("far_past", "closed_before_created", "clock_skew"),
    *("short_text", "foreign_text", "wrong_region", "impossible_step"),
}
BESIDE = ("rating_national", "rating_api", "unit_list", "activity_report")


@dataclass
class Reading:
    """What the extractor makes of one source."""

    records: int = 0
    trouble: Counter[str] = field(default_factory=Counter)
    unknown: set[str] = field(default_factory=set)
    dirt: set[tuple[str, str]] = field(default_factory=set)


@pytest.fixture(scope="module")
def registry() -> Registry:
    return read_registry(REPOSITORY / "extract" / "registry")


@pytest.fixture(scope="module")
def readable(variety: World, server: Path, tmp_path_factory: pytest.TempPathFactory) -> Served:
    """The variety on all its ways and one night, PostgreSQL included."""
    dsn = f"postgresql://postgres@/sumber_profiles?host={server}/postgres"
    with serve_all_in_thread(variety, tmp_path_factory.mktemp("read"), nights=[FIRST], postgres=dsn) as everything:
        yield everything


@pytest.fixture
def environment(readable: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in readable.environment.items():
        monkeypatch.setenv(name, value)


def read(registry: Registry, sources: list[Source]) -> dict[str, Reading]:
    """The first night of these sources through connector and mapper, by agency."""

    async def run() -> dict[str, Reading]:
        async with Http(settings()) as http:
            return {source.agency_code: await _read(registry, source, http) for source in sources}

    return asyncio.run(run())


async def _read(registry: Registry, source: Source, http: Http) -> Reading:
    profile, agency = read_profile(source.profile), registry.agencies[source.agency_code]
    connector = connector_for(source.connector, profile, http.for_agency(agency.agency_code))
    mapper = Mapper(profile, agency.agency_code, agency.time_zone, b"k" * 32)
    until = datetime(2021, 6, 29, 17, tzinfo=UTC)
    zone = profile.zone_for(agency.time_zone)
    reading = Reading()
    async for page in connector.pages(Ask(source.address(FIRST), Window(None, until), zone)):
        for record in connector.read(page).records:
            row, events = mapper.rows(record)
            reading.records += 1
            if profile.table == COMPLAINTS:
                complaint = dict(zip(COLUMNS[COMPLAINTS], row.values, strict=True))
                reading.dirt |= {(kind, complaint["tracking_id"]) for kind in _dirt_in(row, complaint, events)}
            reading.trouble.update(row.problems)
    reading.unknown = mapper.unknown_fields
    return reading


def _dirt_in(row: Row, complaint: dict[str, Any], events: Sequence[Row]) -> Iterator[str]:
    """What a careful reader finds odd in a record and its log."""
    log = [dict(zip(COLUMNS[EVENTS], event.values, strict=True)) for event in events]
    completed, received = complaint["completed_at"], complaint["received_at"]
    found = {
        "far_past": received is not None and received.year < 2011,
        "closed_before_created": None not in (completed, received) and completed < received,
        "clock_skew": any(event["occurred_at"] and event["occurred_at"].year > 2021 for event in log),
        "short_text": row.body in SHORT_TEXTS and row.title == row.body,
        "foreign_text": (row.title, row.body) in FOREIGN_TEXTS,
        "wrong_region": complaint["kemendagri_code"] in WRONG_REGIONS,
        "impossible_step": ("TINDAK_LANJUT", "RATING") in pairwise(event["event_type"] for event in log),
    }
    yield from (kind for kind, is_so in found.items() if is_so)


def sources_of(registry: Registry, world: World, profile: str) -> list[Source]:
    found = [
        source
        for source in registry.sources.values()
        if source.profile == profile and source.agency_code in {agency.code for agency in world.agencies}
    ]
    assert found, profile
    return found


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_reads_all_that_its_dialect_says(registry: Registry, variety: World, profile: str) -> None:
    expected: dict[str, Expected] = expected_deliveries(variety, [FIRST])[FIRST]
    readings = read(registry, sources_of(registry, variety, profile))
    assert {code: reading.records for code, reading in readings.items()} == {
        code: expected[code].records for code in readings
    }
    assert sum(reading.records for reading in readings.values()) > 50
    for code, reading in readings.items():
        assert reading.unknown == set(), code
        strange = [words for words in reading.trouble if not words.startswith(EXPECTED_TROUBLE)]
        assert strange == [], code
        rows = variety.rows_of(variety.position(code))
        # Every record has at most one defect, and a duplicate shows it twice.
        assert sum(reading.trouble.values()) <= 2 * int((variety.complaints.defect[rows] != Defect.NONE).sum())


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("profile", PROFILES)
def test_the_dirt_in_a_delivery_is_what_the_truth_says(
    registry: Registry, variety: World, profile: str, tmp_path: Path
) -> None:
    readings = read(registry, sources_of(registry, variety, profile))
    write_truth(variety, [FIRST], tmp_path)
    with (tmp_path / "dirt.csv").open(encoding="utf-8", newline="") as file:
        told = {
            (row["agency_code"], row["kind"], row["tracking_id"])
            for row in csv.DictReader(file)
            if row["agency_code"] in readings and row["kind"] in LEGIBLE_DIRT
        }
    found = {(code, *one) for code, reading in readings.items() for one in reading.dirt}
    assert found == told
    kinds = {kind for _, kind, _ in found}
    is_georeport = profile.startswith("georeport")
    assert kinds >= {"short_text", "foreign_text", "wrong_region"}
    assert ("far_past" in kinds) != is_georeport, "a server asked by time of receipt never shows it"
    assert "impossible_step" not in kinds or not (is_georeport or profile.endswith("_drop")), "they keep no log"


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("profile", BESIDE)
def test_a_profile_reads_what_comes_beside_complaints(registry: Registry, variety: World, profile: str) -> None:
    readings = read(registry, sources_of(registry, variety, profile))
    assert sum(reading.records for reading in readings.values()) > 0
    for reading in readings.values():
        assert reading.unknown == set()
        assert not reading.trouble


def test_the_registry_delivers_in_every_dialect_and_way(nation: World) -> None:
    ways = Counter(agency.way for agency in nation.agencies)
    assert set(ways) == set(Way)
    profiles = Counter(agency.profile for agency in nation.agencies)
    assert set(profiles) == set(PROFILES)
    assert profiles["lapor_v3"] + profiles["kanal_daerah"] > len(nation.agencies) / 2
