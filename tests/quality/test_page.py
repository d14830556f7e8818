"""The morning's page: complete, standing alone, and repeating nobody's words."""

import re
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

from quality.errors import NotEvaluated
from quality.gate import gate
from quality.page import SIMULATED, write_page
from quality.page_facts import AGENCIES_SHOWN
from quality.steward import Wanted, decide
from tests.quality.browser import needs_chromium, visit
from tests.quality.world import BATAM, NIGHT, World

MARK = "Siti Rahmawati"
JAKARTA = "KOTA-31.71"


class Text(HTMLParser):
    """What a person reads of a page, as one line of words."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.hidden = 0
        self.feed(page)

    def handle_starttag(self, tag: str, _attributes: list[tuple[str, str | None]]) -> None:
        self.hidden += tag in ("style", "svg")

    def handle_endtag(self, tag: str) -> None:
        self.hidden -= tag in ("style", "svg")

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.words += data.split()


def read(path: Path) -> str:
    return " ".join(Text(path.read_text(encoding="utf-8")).words)


def page_of(folder: Path) -> str:
    return read(write_page(NIGHT, folder))


def section(text: str, heading: str, following: str) -> str:
    """The text under one heading; headings stand in the navigation first."""
    _, _, rest = text.partition("Decisions")
    return rest.partition(heading)[2].partition(following)[0]


@pytest.fixture
def mixed_nights(world: World) -> World:
    """Two nights: rows in quarantine and flagged on both, a delivery held on each, one late; somebody's words in rows."""
    for night in (NIGHT - timedelta(days=1), NIGHT):
        delivery = world.delivery(night=night, unknown_fields=["prioritas"])
        for _ in range(10):
            world.complaint(delivery)
        world.complaint(
            delivery, status=None, unit_name=MARK, source_position=f"page 1, row {night.day}",
            _problems=[f"status: '{MARK}' is not a word of profile lapor_v3"],
        )  # fmt: skip
        world.complaint(delivery, kemendagri_code="99")
        world.delivery(JAKARTA, stated_total=3, night=night)
        world.delivery("KOTA-32.73", state="late", night=night)
        gate(night)
    return world


def test_the_page_says_what_was_decided_and_what_to_do(mixed_nights: World, tmp_path: Path) -> None:
    path = write_page(NIGHT, tmp_path)
    assert path == tmp_path / "index.html"
    text = read(path)
    assert SIMULATED in text
    assert "Night of Wednesday, 30 June 2021: passed, with rows or deliveries kept out" in text
    assert "Nothing new needs a person this morning" in text
    assert "Waiting in all: 2 held deliveries and 2 rows in quarantine, 2 of them for a data engineer to mend." in text
    assert "complaints 0 1 1 0 0 1 0 0 0 3 12" in section(text, "The night's deliveries", "Held")
    held = section(text, "Held deliveries", "Rows in quarantine")
    assert "rows_as_stated handed over another number of rows than the source itself states" in held
    for night in (NIGHT, NIGHT - timedelta(days=1)):
        command = (
            f"python -m quality release --night {night} --agency {JAKARTA} --resource complaints --by NAME --note TEXT"
        )
        assert command in held
    quarantine = section(text, "Rows in quarantine", "Flags")
    assert "2 open 0 waived 0 discarded 0 superseded 0 released" in quarantine
    assert (
        "status_known status missing or none of the known ones 1 2 1 data engineer: Add the source's word" in quarantine
    )
    assert f"For example {BATAM}, page 1, row 30 python -m quality quarantine list --rule status_known" in quarantine
    assert "Kota Batam KOTA-21.71 2 2021-06-29 status_known" in quarantine
    flags = section(text, "Flags", "The last 2 nights")
    assert "region_known region code is none of Kemendagri's 1 12 1" in flags
    assert "fields_known the source sends fields its profile does not know 1 2 1" in flags
    assert "2021-06-30 passed, with rows or deliveries kept out 2 3 1 1" in text


def test_nobodys_words_stand_on_the_page(mixed_nights: World, tmp_path: Path) -> None:
    [(quoted,)] = mixed_nights.run(
        "select count(*) from quality.quarantined_record where array_to_string(reasons, ' ') like %s", [f"%{MARK}%"]
    )
    assert quoted == 2
    assert MARK not in write_page(NIGHT, tmp_path).read_text(encoding="utf-8")


def test_markup_in_a_name_or_note_is_text(mixed_nights: World, tmp_path: Path) -> None:
    mixed_nights.run("update raw.agencies set name = 'Kota <b>Batam</b> & \"co\"'")
    decide(Wanted(rules=["status_known"], night=NIGHT), "discarded", "Steward A", "<script>alert(1)</script>")
    page = write_page(NIGHT, tmp_path).read_text(encoding="utf-8")
    assert "Kota &lt;b&gt;Batam&lt;/b&gt; &amp; &#34;co&#34;" in page
    assert "<script" not in page
    assert "discarded 1 row Steward A <script>alert(1)</script>" in read(tmp_path / "index.html")


def test_the_page_asks_nobody_for_anything(mixed_nights: World, tmp_path: Path) -> None:
    page = write_page(NIGHT, tmp_path).read_text(encoding="utf-8")
    targets = re.findall(r"""(?:src|href|action|content)="([^"]*)"|url\(([^)]*)\)|@import ([^;]*)""", page)
    found = {"".join(target) for target in targets}
    assert {"data:,", "#held"} < found
    assert [target for target in found if "//" in target] == []
    assert "default-src &#39;none&#39;;" in page


@needs_chromium
def test_a_browser_draws_it_without_any_request(mixed_nights: World, tmp_path: Path) -> None:
    path = write_page(NIGHT, tmp_path)
    band = "getComputedStyle(document.querySelector('.masthead')).backgroundColor"
    seen = visit(path, [band, "document.documentElement.scrollWidth <= innerWidth"], width=360)
    assert set(seen.requests) - {"data:,"} == {path.as_uri()}
    assert seen.complaints == []
    assert seen.answers == ["rgb(11, 61, 102)", True]


@needs_chromium
def test_everything_drawn_has_words(mixed_nights: World, tmp_path: Path) -> None:
    mute = """[...document.querySelectorAll('svg')].filter(
        svg => svg.ariaHidden !== 'true' && !(svg.ariaLabel.trim() && svg.querySelector('title, desc').textContent.trim())
    ).length"""
    loose = (
        "[...document.querySelectorAll('a[href^=\"#\"]')].filter(a => !document.getElementById(a.hash.slice(1))).length"
    )
    double = "(ids => ids.length - new Set(ids).size)([...document.querySelectorAll('[id]')].map(e => e.id))"
    seen = visit(write_page(NIGHT, tmp_path), ["document.querySelectorAll('svg').length > 5", mute, loose, double])
    assert seen.answers == [True, 0, 0, 0]


def test_one_clean_night_has_a_page(world: World, tmp_path: Path) -> None:
    world.complaint(world.delivery())
    gate(NIGHT)
    text = page_of(tmp_path)
    assert "Night of Wednesday, 30 June 2021: passed Judged" in text
    assert "1 delivery passed, 0 with rows in quarantine; nothing is out of the usual. Nothing waits" in text
    for part in ("No row is kept out.", "None of the last sixty nights.", "No warning rule was broken.", "None yet."):
        assert part in text


def test_real_data_carries_no_stamp(world: World, tmp_path: Path) -> None:
    world.complaint(world.delivery())
    gate(NIGHT)
    world.run("update ops.nights set is_simulated = false")
    assert SIMULATED not in page_of(tmp_path)


def failed(world: World, attempt: int) -> None:
    world.run(
        "insert into quality.validation_run (night, attempt, resource, suite_hash, row_count, verdict, detail, started_at, finished_at)"
        " values (%s, %s, 'night', '', 0, 'error', 'quality/sql/complaints.sql could not be read', now(), now())",
        [NIGHT, attempt],
    )


def test_a_night_that_could_not_be_judged_says_so_on_top(world: World, tmp_path: Path) -> None:
    world.delivery()
    failed(world, attempt=1)
    text = page_of(tmp_path)
    assert "30 June 2021: not evaluated Tried" in text
    assert (
        "Act now NOT EVALUATED: nothing of the night is released. quality/sql/complaints.sql could not be read" in text
    )
    assert "complaints 0 0 0 1 0 0 0 0 0 1 0" in text


def test_a_failed_attempt_leaves_the_standing_decisions_on_the_page(mixed_nights: World, tmp_path: Path) -> None:
    failed(mixed_nights, attempt=2)
    text = page_of(tmp_path)
    assert "The decisions of attempt 1 stand" in text
    assert "complaints 0 1 1 0 0 1 0 0 0 3 12" in text


def test_a_night_not_judged_yet_has_a_page_and_one_never_opened_has_none(world: World, tmp_path: Path) -> None:
    world.delivery(resource="budgets")
    text = page_of(tmp_path)
    assert "The gate has not judged this night." in text
    assert "budgets 0 0 0 1 0 0 0 0 0 1 0" in text
    with pytest.raises(NotEvaluated, match="extract open"):
        write_page(NIGHT + timedelta(days=1), tmp_path)
    assert read(tmp_path / "index.html") == text


def test_a_held_night_and_its_release_are_named(world: World, tmp_path: Path) -> None:
    for number in range(20):
        world.delivery(f"agency {number}", state="received" if number < 9 else "failed")
    gate(NIGHT)
    assert "30 June 2021: held, and so not published" in page_of(tmp_path)
    world.run("insert into quality.night_release values (%s, array['coverage'], 'Budi', 'a holiday')", [NIGHT])
    text = page_of(tmp_path)
    assert "30 June 2021: held, and released by name: gate it again" in text
    assert "Released by Budi: a holiday." in text
    world.run("update quality.night_release set rule_ids = array['another']")
    assert "30 June 2021: held, and so not published" in page_of(tmp_path)


def test_a_held_delivery_that_was_loaded_again_waits_for_the_gate(mixed_nights: World, tmp_path: Path) -> None:
    mixed_nights.run("update ops.deliveries set attempt = 2 where night = %s and agency_code = %s", [NIGHT, JAKARTA])
    held = section(page_of(tmp_path), "Held deliveries", "Rows in quarantine")
    assert f"waiting for the gate: python -m quality --night {NIGHT}" in held
    assert f"--night {NIGHT} --agency {JAKARTA}" not in held


def test_a_rule_red_for_a_week_stands_in_a_section_of_its_own(world: World, tmp_path: Path) -> None:
    for days in reversed(range(7)):
        night = NIGHT - timedelta(days=days)
        world.complaint(world.delivery(night=night), status=None)
        gate(night)
    red = section(page_of(tmp_path), "Red for 7 nights or more", "Agencies")
    assert "needs a decision" in red
    assert "status_known status missing or none of the known ones 7 1" in red


def test_sixty_nights_of_657_agencies_are_one_page_that_a_browser_opens(world: World, tmp_path: Path) -> None:
    world.delivery()
    world.run(
        "insert into ops.nights select day::date, day + interval '1 day', 'test', true from generate_series(date '2021-04-20', date '2021-06-29', '1 day') as day"
    )
    world.run(
        "insert into ops.deliveries (night, agency_code, resource, state, attempt)"
        " select night, 'A-' || number, resource, 'received', 1 from ops.nights, generate_series(1, 657) as number,"
        " unnest(array['complaints', 'recaps', 'ratings']) as resource"
    )
    world.run(
        "insert into quality.agency_verdict (night, agency_code, resource, attempt, verdict)"
        " select night, agency_code, resource, attempt, case when delivery_id % 7 = 0 then 'pass_with_quarantine' when delivery_id % 997 = 0 then 'held' else 'pass' end from ops.deliveries"
    )
    world.run(
        "insert into quality.quarantined_record (night, agency_code, table_name, row_id, source_key, source_position, row_hash, rule_ids, reasons, first_seen, last_seen)"
        " select night, agency_code, 'complaints', delivery_id, 'k', 'row 1', 'h', array['status_known'], array['r'], night, night from ops.deliveries where delivery_id % 7 = 0"
    )
    world.run(
        "insert into quality.validation_run (night, attempt, resource, suite_hash, row_count, verdict, started_at, finished_at)"
        " select night, 1, suite, '', 5000, 'passed', now(), now() from ops.nights, unnest(array['complaints', 'night']) as suite"
    )
    world.run(
        "insert into quality.expectation_result select run_id, resource || '_rule_' || number, 'critical', 5000, run_id % 5"
        " from quality.validation_run, generate_series(1, 40) as number"
    )
    path = write_page(NIGHT, tmp_path)
    text = read(path)
    assert f"And {657 - AGENCIES_SHOWN} more with fewer such nights." in text
    assert path.stat().st_size < 1_000_000
    assert list(tmp_path.iterdir()) == [path]
