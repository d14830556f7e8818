"""The typeface: fixed weights, the same bytes everywhere, measured as they are drawn."""

from collections.abc import Iterator

import pytest
from fontTools.ttLib import TTFont

from reports import fonts
from warehouse.settings import Settings

pytestmark = pytest.mark.usefixtures("own_state")


@pytest.fixture(scope="module")
def own_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A state directory that begins empty."""
    state = Settings(state_dir=tmp_path_factory.mktemp("state"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fonts, "settings", lambda: state)
        yield


def test_every_weight_is_a_file_of_its_own_in_one_family() -> None:
    found = {}
    for file in fonts.font_directory().iterdir():
        with TTFont(file) as font:
            names = font["name"]
            family = names.getDebugName(16) or names.getDebugName(1)
            found[file.name] = (family, font["OS/2"].usWeightClass, "fvar" in font)
    assert found == {
        "PlusJakartaSans-Regular.ttf": ("Plus Jakarta Sans", 400, False),
        "PlusJakartaSans-Medium.ttf": ("Plus Jakarta Sans", 500, False),
        "PlusJakartaSans-SemiBold.ttf": ("Plus Jakarta Sans", 600, False),
        "PlusJakartaSans-Bold.ttf": ("Plus Jakarta Sans", 700, False),
        "PlusJakartaSans-Italic.ttf": ("Plus Jakarta Sans", 400, False),
    }


def test_fonts_cut_twice_are_the_same_bytes() -> None:
    file = fonts.font_directory() / "PlusJakartaSans-Regular.ttf"
    first = file.read_bytes()
    file.unlink()
    assert (fonts.font_directory() / file.name).read_bytes() == first


def test_fonts_that_are_there_are_not_cut_again(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = fonts.font_directory()
    monkeypatch.setattr(fonts, "_cut", lambda style: pytest.fail(f"{style} was cut again"))
    assert fonts.font_directory() == folder
    assert list(folder.glob("*.part")) == []


def test_pages_get_small_files_with_every_character_they_show() -> None:
    files = sorted(fonts.web_font_directory().iterdir())
    assert [file.name for file in files] == [
        "PlusJakartaSans-Bold.woff",
        "PlusJakartaSans-Regular.woff",
        "PlusJakartaSans-SemiBold.woff",
    ]
    for file in files:
        assert file.stat().st_size < 40_000
        with TTFont(file) as font:
            assert set(map(ord, "Aa 1.294,75% éñ–—“”…≥▲▼→·")) - set(font.getBestCmap()) == set()
            assert "tnum" in {record.FeatureTag for record in font["GSUB"].table.FeatureList.FeatureRecord}


def test_text_is_as_wide_as_its_outlines_advance() -> None:
    with TTFont(fonts.font_directory() / "PlusJakartaSans-Regular.ttf") as font:
        advances = [font["hmtx"][font.getBestCmap()[ord(letter)]][0] for letter in "iW"]
        em = font["head"].unitsPerEm
    assert fonts.text_width("iW", 20) == pytest.approx(sum(advances) / em * 20)
    assert fonts.text_width("W", 20) > 2 * fonts.text_width("i", 20)
    assert fonts.text_width("Selesai", 11, "Bold") > fonts.text_width("Selesai", 11)


def test_text_is_broken_at_blanks_and_a_word_too_long_is_cut() -> None:
    assert fonts.wrap("satu dua tiga", 1000, 10) == ["satu dua tiga"]
    lines = fonts.wrap("laporan masuk dan selesai per bulan", 90, 10)
    assert len(lines) > 1
    assert " ".join(lines) == "laporan masuk dan selesai per bulan"
    assert all(fonts.text_width(line, 10) <= 90 for line in lines)
    cut = fonts.wrap("x" * 200, 90, 10)
    assert len(cut) == 1
    assert cut[0].endswith("x…")
    assert fonts.text_width(cut[0], 10) <= 90
    assert fonts.wrap("", 90, 10) == []
