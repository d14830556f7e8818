"""A landed delivery is complete or absent, sealed, and reads back to the byte."""

from pathlib import Path

import pytest

from extract.connectors import Page
from extract.errors import DeliveryFailed
from extract.landing import LandingFile, SealBroken, decode_key, read_landing

KEY = b"k" * 32
PAGES = [Page("page 1", b'{"nik":"2171031204900000"}' * 50), Page("page 2", b"")]


def land(path: Path) -> None:
    with LandingFile(path, KEY, "k1", {"night": "2021-06-30"}) as file:
        for page in PAGES:
            file.write(page)
        file.commit()


def test_pages_come_back_as_they_went_in(tmp_path: Path) -> None:
    land(tmp_path / "a.sealed")
    assert list(read_landing(tmp_path / "a.sealed", KEY)) == PAGES


def test_nothing_readable_is_on_disk(tmp_path: Path) -> None:
    land(tmp_path / "a.sealed")
    content = (tmp_path / "a.sealed").read_bytes()
    assert b"2171031204900000" not in content
    assert b"nik" not in content


def test_without_commit_nothing_remains(tmp_path: Path) -> None:
    with LandingFile(tmp_path / "a.sealed", KEY, "k1", {}) as file:
        file.write(PAGES[0])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damage", ["cut", "altered", "header", "wrong key"])
def test_a_damaged_file_is_refused(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "a.sealed"
    land(path)
    content = bytearray(path.read_bytes())
    if damage == "cut":
        del content[-60:]
    elif damage == "altered":
        content[-80] ^= 1
    elif damage == "header":
        content[15] ^= 1
    path.write_bytes(content)
    with pytest.raises(SealBroken):
        list(read_landing(path, b"x" * 32 if damage == "wrong key" else KEY))


def test_a_file_that_retention_removed_says_so(tmp_path: Path) -> None:
    with pytest.raises(DeliveryFailed, match="retention"):
        list(read_landing(tmp_path / "gone.sealed", KEY))


def test_a_short_key_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="LAPOR_LANDING_KEY"):
        decode_key("c2hvcnQ=", "LAPOR_LANDING_KEY")
