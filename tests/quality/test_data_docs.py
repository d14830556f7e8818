"""Great Expectations' pages as we write them: readable without network, asking nobody, never older than they should be."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from great_expectations.exceptions.exceptions import GreatExpectationsError

from quality import data_docs
from quality.data_docs import RESULTS, SITE, prune, publish
from quality.gate import gate
from tests.quality.browser import needs_chromium, visit
from tests.quality.world import NIGHT, World

FIRST = NIGHT - timedelta(days=1)


@pytest.fixture
def site(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The pages of one night: of eleven complaints one broken by a critical and one by a warning rule."""
    monkeypatch.setattr(data_docs, "settings", lambda: type("Settings", (), {"state_dir": tmp_path}))
    build(world, FIRST)
    return tmp_path / "quality" / "gx" / SITE


def build(world: World, night: object = NIGHT) -> str:
    assert isinstance(night, type(NIGHT))
    delivery = world.delivery(night=night)
    for _ in range(9):
        world.complaint(delivery)
    world.complaint(delivery, status=None)
    world.complaint(delivery, kemendagri_code="99")
    return publish(gate(night))


def page_of(site: Path, suite: str, night: object = FIRST) -> Path:
    [page] = (site / "validations" / suite).glob(f"{night}.attempt1/*/*.html")
    return page


def links(page: Path) -> list[str]:
    return re.findall(r'<a href="([^"#][^"]*)"', page.read_text(encoding="utf-8"))


def test_every_file_stands_alone(site: Path) -> None:
    files = [file for file in site.rglob("*") if file.is_file()]
    assert {file.suffix for file in files} == {".html"}
    assert len(files) == 4  # complaints, deliveries, night and the index
    for file in files:
        text = file.read_text(encoding="utf-8")
        targets = re.findall(r"""(?:src|href|srcset|action)=["']?([^"'\s>]*)|url\(([^)]*)\)|@import ([^;]*)""", text)
        found = {"".join(target) for target in targets}
        assert "data:," in found
        assert [target for target in found if "//" in target or "?" in target] == [], file
        for forbidden in ("<script", "<img", "<iframe", "great-expectations-web-assets", "newsletter", "dataContextId"):
            assert forbidden not in text, file


def test_a_page_says_which_rule_which_rows_and_what_to_do(site: Path, world: World) -> None:
    [(row_id,)] = world.run("select row_id from raw.complaints where status is null")
    text = page_of(site, "complaints").read_text(encoding="utf-8")
    assert "status_known (critical): status missing or none of the known ones" in text
    assert "data engineer: Add the source&#x27;s word to the agency&#x27;s profile" in text
    assert f"First row ids: {row_id}" in text
    assert "region_known (warning): region code is none of Kemendagri&#x27;s" in text
    assert "11.01" not in text  # the codes of the set are not listed


def test_every_link_leads_to_a_page(site: Path, world: World) -> None:
    build(world)
    pages = list(site.rglob("*.html"))
    assert len(links(site / "index.html")) == len(pages) - 1 == 6
    assert [(page, link) for page in pages for link in links(page) if not (page.parent / link).exists()] == []


def test_the_index_counts_broken_rules_and_puts_the_newest_night_first(site: Path, world: World) -> None:
    build(world)
    text = (site / "index.html").read_text(encoding="utf-8")
    assert re.findall(r'<th scope="row">([\d-]+)', text) == [str(NIGHT), str(FIRST)]
    counts = dict(re.findall(rf"(complaints|night) of {NIGHT}, attempt 1: (\d+) of \d+ rules broken", text))
    assert counts == {"complaints": "2", "night": "0"}


def test_pages_that_did_not_change_are_left_alone(site: Path, world: World) -> None:
    page = page_of(site, "complaints")
    before = page.stat().st_mtime_ns
    build(world)
    assert page.stat().st_mtime_ns == before
    assert not (site / "static").exists()


def test_pages_that_lean_on_foreign_assets_are_made_again(site: Path, world: World) -> None:
    page = page_of(site, "complaints")
    page.write_text('<script src="https://cdn.example.org/jquery.js"></script>')
    (site / "static").mkdir()
    build(world)
    assert "cdn.example.org" not in page.read_text(encoding="utf-8")
    assert not (site / "static").exists()


def test_the_index_forgets_the_nights_that_are_dropped(
    site: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_docs, "prune", lambda folder, _nights_kept: prune(folder, 1))
    build(world)
    assert str(FIRST) not in (site / "index.html").read_text(encoding="utf-8")
    assert list(site.rglob(f"*{FIRST}*")) == list((site.parents[2] / RESULTS).rglob(f"*{FIRST}*")) == []
    assert page_of(site, "complaints", NIGHT).exists()


def test_pages_that_cannot_be_written_change_no_decision(
    site: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_arguments: object) -> None:
        raise GreatExpectationsError("no room")

    monkeypatch.setattr(data_docs, "_write_index", break_down)
    assert build(world) == "Data Docs were not built (no room); the decisions stand."
    assert world.verdict() == "pass_with_quarantine"


@needs_chromium
@pytest.mark.parametrize("suite", ["complaints", "index"])
def test_a_browser_without_network_draws_a_page_whole(site: Path, suite: str) -> None:
    page = site / "index.html" if suite == "index" else page_of(site, suite)
    heading = "getComputedStyle(document.querySelector('h1')).color"
    marks = "[...document.querySelectorAll('.fas')].map(mark => getComputedStyle(mark, '::before').content)"
    fits = "document.documentElement.scrollWidth <= innerWidth"
    seen = visit(page, [heading, marks, fits], width=360)
    assert set(seen.requests) - {"data:,"} == {page.as_uri()}
    assert seen.complaints == []
    color, words, fitting = seen.answers
    assert (color, fitting) == ("rgb(11, 61, 102)", True)
    assert suite == "index" or {'"✓ kept"', '"✗ broken"'} <= set(words)


@needs_chromium
def test_the_broken_rules_can_be_looked_at_alone(site: Path) -> None:
    shown = "[...document.querySelectorAll('.ge-section')].filter(e => e.checkVisibility()).length"
    before, _, after = visit(
        page_of(site, "complaints"), [shown, "document.querySelector('#broken-only').click()", shown]
    ).answers
    assert before > 10
    assert after == 3  # the overview and the two broken ones
