"""A landed segment is complete or absent, sealed, reads back to the byte, in a folder and in S3 alike."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from extract.connectors import Page
from extract.errors import DeliveryFailed, SealBroken
from extract.landing import (
    LandingKeys,
    Segment,
    Store,
    decode_key,
    landing_store,
    prune,
    read_segment,
    rekey,
    segment_paths,
)
from warehouse.settings import Settings

KEY = b"k" * 32
KEYS = LandingKeys("k1", {"k1": KEY})
PAGES = [Page("page 1", b'{"nik":"2171031204900000"}' * 50, headers={"x-total-count": "1"}), Page("page 2", b"")]
PATH = "2021-06-30/A.complaints.1.0001.sealed"


def segment(keys: LandingKeys = KEYS) -> bytes:
    made = Segment(keys, {"night": "2021-06-30"})
    for page in PAGES:
        made.write(page)
    return made.sealed()


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "folder":
        yield landing_store(Settings(landing_url=str(tmp_path / "landing")))
        return
    endpoint = request.getfixturevalue("s3")
    yield landing_store(
        Settings(landing_url=f"s3://files/landing?endpoint={endpoint}", landing_credential="key:secret")
    )


def test_pages_come_back_as_they_went_in() -> None:
    assert list(read_segment(segment(), KEYS, "a segment")) == PAGES


def test_nothing_readable_is_in_a_segment() -> None:
    assert b"2171031204900000" not in segment()
    assert b"nik" not in segment()


@pytest.mark.parametrize(
    "damage", ["cut", "cut at a frame", "altered", "header", "no header", "wrong key", "unknown key"]
)
def test_a_damaged_segment_is_refused(damage: str) -> None:
    content = bytearray(segment())
    keys = KEYS
    match damage:
        case "cut":
            del content[-60:]
        case "cut at a frame":
            del content[len(content) - 4 - int.from_bytes(b"\0\0\0\x2d") :]
        case "altered":
            content[-80] ^= 1
        case "header":
            content[15] ^= 1
        case "no header":
            content = bytearray(b"LAPORSEAL2\n")
        case "wrong key":
            keys = LandingKeys("k1", {"k1": b"x" * 32})
        case "unknown key":
            keys = LandingKeys("k2", {"k2": KEY})
    with pytest.raises(SealBroken, match="a segment"):
        list(read_segment(bytes(content), keys, "a segment"))


def test_a_store_gives_back_lists_and_removes(store: Store) -> None:
    content = segment()
    store.put(PATH, content)
    store.put("2021-06-29/A.complaints.1.0001.sealed", content)
    assert store.get(PATH) == content
    assert store.nights() == [date(2021, 6, 29), date(2021, 6, 30)]
    assert store.segments(date(2021, 6, 30)) == [PATH]
    assert prune(store, date(2021, 6, 30)) == 1
    assert store.nights() == [date(2021, 6, 30)]
    with pytest.raises(DeliveryFailed, match="Retention may have removed it"):
        store.get("2021-06-29/A.complaints.1.0001.sealed")


def test_a_new_key_seals_what_an_old_one_had_sealed(store: Store) -> None:
    store.put(PATH, segment())
    both = LandingKeys("k2", {"k1": KEY, "k2": b"n" * 32})
    assert rekey(store, both) == 1
    assert rekey(store, both) == 0
    only_new = LandingKeys("k2", {"k2": b"n" * 32})
    assert list(read_segment(store.get(PATH), only_new, PATH)) == PAGES


def test_keys_that_are_missing_or_short_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="LAPOR_LANDING_KEY"):
        decode_key("c2hvcnQ=", "LAPOR_LANDING_KEY")
    with pytest.raises(ValueError, match="LAPOR_LANDING_OLD_KEYS"):
        LandingKeys.from_settings(
            Settings(landing_key="a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=", landing_old_keys="k0")
        )


def test_a_delivery_names_its_segments_in_order() -> None:
    assert segment_paths("2021-06-30/A.complaints.1", 2) == [
        "2021-06-30/A.complaints.1.0001.sealed", "2021-06-30/A.complaints.1.0002.sealed",
    ]  # fmt: skip
