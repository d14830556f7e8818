"""What the server renders for each reader: what is there, what is refused, and that no small figure follows."""

import html
import re
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import httpx
import numpy as np
import pytest
from markupsafe import escape

from reports.portal.errors import FOR_PEOPLE, OTHERWISE
from reports.portal.figures import Night, rate
from reports.portal.pages import frame
from reports.portal.pages.agencies import Filters, Sorting, _sorted, asked, funnel_chart
from reports.portal.pages.frame import MENU, Frame, Kept
from reports.portal.pages.national import course_title, level, longest_run
from reports.portal.readers import Reader
from reports.portal.small_cells import SmallCells
from reports.portal.words import KINDS, OWNERS, UNITS, Speech
from reports.report import Hidden
from tests.dbt_project.raw_world import BATAM, KARIMUN, PUPR
from tests.reports.portal.conftest import RECEIVED, Nation, come_back

SignIn = Callable[[str], httpx.Client]
PATIENCE_SECONDS = 300  # the first chart of a process starts its renderer
ROLES = {"panrb": "panrb_analyst", "ombudsman": "ombudsman_reader", "ksp": "ksp_reader", "batam": "agency_reader"}
STAMP = "DATA SIMULASI, bukan kinerja sebenarnya"
PROVINCE = "21"
MONTHS = ["Januari 2021", "Februari 2021", "Maret 2021", "April 2021", "Mei 2021", "Juni 2021"]


@pytest.fixture
def signed_in(browser: SignIn) -> SignIn:
    """signed_in("ksp"): a client of that reader that waits for a first chart."""

    def sign_in_as(name: str) -> httpx.Client:
        client = browser(name)
        client.timeout = httpx.Timeout(PATIENCE_SECONDS)
        return client

    return sign_in_as


def text_of(page: str) -> str:
    """What a reader reads: no markup, blanks in one."""
    body = re.sub(r"<svg class=\"bar\".*?</svg>", " ", page.split("<main", 1)[1], flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def received_by_month(page: str) -> dict[str, str]:
    """The first column of figures of a page's table by month, as printed."""
    rows = re.findall(r"<tr><th scope=\"row\">([^<]+)</th><td class=\"n\">([^<]+)</td>", page)
    return {month: count for month, count in rows if month in MONTHS}


def total_of(page: str) -> str:
    """The first headline."""
    found = re.search(r'<dd class="big">([^<]+)</dd>', page)
    assert found
    return found.group(1)


@pytest.mark.parametrize("who", ROLES)
def test_the_menu_offers_what_opens_and_the_rest_is_refused_with_reasons(who: str, signed_in: SignIn) -> None:
    client = signed_in(who)
    front = client.get("/", follow_redirects=True).text
    for item in MENU:
        is_offered = f'<li><a href="{item.path}"' in front
        assert is_offered == (ROLES[who] in item.roles), item.path
        if item.path == "/" and who == "batam":
            continue
        answer = client.get(item.path)
        if is_offered:
            assert answer.status_code == 200, item.path
        else:
            assert answer.status_code == 403, item.path
            assert "Anda masuk sebagai" in text_of(answer.text)
            assert "admin SP4N-LAPOR!" in text_of(answer.text)


@pytest.mark.parametrize("path", ["/", "/instansi", f"/instansi/{BATAM}", "/indikasi", "/kamus", "/api"])
def test_nobody_is_sent_to_the_sign_in_page_and_back_to_what_was_asked(path: str, signed_in: SignIn) -> None:
    client = signed_in("")
    answer = client.get(path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/masuk")
    landing = client.get(answer.headers["location"])
    assert "Masuk dengan akun lembaga" in landing.text
    assert ("next=" in landing.text) == (path != "/")
    assert "122" not in landing.text


def test_an_agency_lands_on_its_own_scorecard_and_opens_no_other(signed_in: SignIn) -> None:
    batam, karimun = signed_in("batam"), signed_in("karimun")
    landing = batam.get("/")
    assert (landing.status_code, landing.headers["location"]) == (303, "/instansi-saya")
    own = batam.get("/instansi-saya").text
    assert total_of(own) == "71"
    # The same address, cached for the one, is another page for the other.
    assert total_of(karimun.get("/instansi-saya").text) == "16"
    assert batam.get(f"/instansi/{KARIMUN}").status_code == 403
    assert batam.get("/instansi/KOTA-99.99").status_code == 403
    assert batam.get(f"/instansi/{BATAM}").headers["location"] == "/instansi-saya"
    assert "Karimun" not in own


def test_an_agencys_reader_is_called_by_the_agencys_name(signed_in: SignIn) -> None:
    client = signed_in("batam")
    assert "<span>Kota Batam</span>" in client.get("/instansi-saya").text
    assert "Anda masuk sebagai Kota Batam" in text_of(client.get(f"/instansi/{KARIMUN}").text)


def test_who_is_not_entered_yet_may_sign_in_with_another_account(browser: SignIn) -> None:
    refused = come_back(browser(""), "tamu")
    assert refused.status_code == 403
    assert "Akun ini belum terdaftar" in text_of(refused.text)
    assert 'href="/masuk/mulai">Masuk dengan akun lain' in refused.text
    assert "Ke halaman depan" not in refused.text


def test_what_is_not_there_is_not_found(signed_in: SignIn) -> None:
    client = signed_in("panrb")
    for path in ("/instansi/KOTA-99.99", "/provinsi/99", "/isu?program=TIDAK_ADA", "/tidak-ada", "/static/pages.py"):
        assert client.get(path).status_code == 404, path


def test_the_national_page_prints_the_marts_figures(signed_in: SignIn, nation: Nation) -> None:
    received = nation.value("select sum(received_count) from marts.rpt_national_performance_monthly")
    assert received == 122 == sum(sum(months) for months in RECEIVED.values())
    page = signed_in("ksp").get("/").text
    assert total_of(page) == "122"
    assert "122 dari 122 diterima" in text_of(page)


@pytest.mark.parametrize("who", ["panrb", "ombudsman", "ksp", "karimun"])
def test_every_page_with_figures_says_when_how_complete_and_that_it_is_simulated(who: str, signed_in: SignIn) -> None:
    client = signed_in(who)
    role = "agency_reader" if who == "karimun" else ROLES[who]
    paths = [item.path for item in MENU if role in item.roles and (item.path, who) != ("/", "karimun")]
    assert len(paths) >= 4
    for path in paths:
        page = client.get(path).text
        assert STAMP in page, path
        assert "Data sampai 30 Juni 2021 pukul 24.00 WIB" in text_of(page), path
        assert re.search(r"mengirim data malam itu: 3 dari \d+ instansi", text_of(page)), path


def test_no_hidden_month_follows_from_all_pages_together(signed_in: SignIn) -> None:
    client = signed_in("panrb")
    base = [(agency, month) for agency in RECEIVED for month in range(6)]
    place = {cell: position for position, cell in enumerate(base)}
    groups = {
        "/": [BATAM, KARIMUN, PUPR],
        f"/provinsi/{PROVINCE}": [BATAM, KARIMUN],
        **{f"/instansi/{agency}": [agency] for agency in RECEIVED},
    }
    shown: list[np.ndarray] = []
    hidden: set[tuple[str, int]] = set()
    for path, agencies in groups.items():
        page = client.get(path).text
        months = received_by_month(page)
        assert list(months) == MONTHS, path
        for number, month in enumerate(MONTHS):
            cells = [(agency, number) for agency in agencies]
            if months[month] == "*":
                hidden |= set(cells) if len(cells) == 1 else set()
            else:
                assert int(months[month]) == sum(RECEIVED[agency][number] for agency in agencies)
                shown.append(_vector(place, cells))
        if total_of(page) != "*":
            shown.append(_vector(place, [(agency, number) for agency in agencies for number in range(6)]))
    small = {(agency, number) for agency, number in base if 0 < RECEIVED[agency][number] < 5}
    assert small == {(KARIMUN, 0), (KARIMUN, 2), (KARIMUN, 4), (KARIMUN, 5)}
    assert small <= hidden
    rank = np.linalg.matrix_rank(np.array(shown))
    for cell in small:
        assert np.linalg.matrix_rank(np.array([*shown, _vector(place, [cell])])) == rank + 1, f"{cell} follows"


def test_a_hidden_month_shows_no_figure_at_all(signed_in: SignIn) -> None:
    page = signed_in("karimun").get("/instansi-saya").text
    row = re.search(r"<tr><th scope=\"row\">Januari 2021</th>(.*?)</tr>", page, re.DOTALL)
    assert row
    assert re.findall(r"<td class=\"n\">(.*?)</td>", row.group(1)) == ["*", "*", "*"]


def test_english_is_asked_once_and_remembered(signed_in: SignIn) -> None:
    client = signed_in("ksp")
    assert '<html lang="id">' in client.get("/kelengkapan").text
    switched = client.get("/kelengkapan?bahasa=en")
    assert '<html lang="en">' in switched.text
    assert "as of 30 June 2021, 24:00 WIB" in text_of(switched.text)
    assert '<html lang="en">' in client.get("/kepuasan").text
    assert "Satisfaction" in text_of(client.get("/kepuasan").text)
    assert '<html lang="id">' in client.get("/kepuasan?bahasa=id").text


@pytest.mark.parametrize(
    ("path", "status", "indonesian", "english"),
    [
        ("/tidak-ada", 404, "Halaman tidak ditemukan", "Page not found"),
        ("/indikasi", 403, "Anda tidak berwenang", "You may not open this page"),
        ("/laporan?halaman=x", 422, "Isian tidak dapat dipakai", "What you filled in cannot be used"),
        ("/masuk/kembali?state=x", 400, "sudah kedaluwarsa", "has expired"),
    ],
)
def test_a_refusal_is_said_in_the_readers_language_alone(
    path: str, status: int, indonesian: str, english: str, signed_in: SignIn
) -> None:
    client = signed_in("ksp")
    for language, told, other in (("id", indonesian, english), ("en", english, indonesian)):
        answer = client.get(path, params={"bahasa": language} | dict(httpx.URL(path).params))
        assert answer.status_code == status
        assert f'<html lang="{language}">' in answer.text
        assert told in text_of(answer.text)
        assert other not in text_of(answer.text)
        assert "Input should be" not in answer.text


def test_every_status_a_page_refuses_with_has_words_of_both_languages() -> None:
    for status, words in {**FOR_PEOPLE, 0: OTHERWISE}.items():
        for indonesian, english in words:
            assert indonesian.strip() != english.strip(), status
            assert not set(english.lower().split()) & {"anda", "halaman", "atau", "coba"}, status
            assert not set(indonesian.lower().split()) & {"the", "you", "page", "request", "or", "try"}, status


def test_what_is_kept_for_one_reader_is_shown_to_no_other(signed_in: SignIn) -> None:
    """The same address, first by who may see more: role, agency and language each have a page of their own."""
    frame.forget()
    pages = {
        (who, language): signed_in(who).get("/kelengkapan", params={"bahasa": language}).text
        for who in ("panrb", "ombudsman", "batam", "karimun", "ksp")
        for language in ("id", "en")
    }
    parts = {key: page.split("<main", 1)[1].split("</main>")[0] for key, page in pages.items()}
    for language in ("id", "en"):
        assert parts["panrb", language] == parts["ombudsman", language]  # who may see the same does
        # How many rows all agencies sent, each of the two, and none that may be told.
        assert len({parts[who, language] for who in ("panrb", "batam", "karimun", "ksp")}) == 4
    assert parts["ksp", "id"] != parts["ksp", "en"]


def test_what_answers_share_differs_by_role_agency_night_build_and_what_is_hidden() -> None:
    frame.forget()
    night = Night(date(2021, 6, 30), datetime(2021, 7, 1, 3, tzinfo=UTC), is_simulated=True, delivered=1, expected=1)
    small = SmallCells(frozenset(), "one", None)
    one = Frame(Reader("agency_reader", BATAM, "", "a"), Speech("id"), night, small)
    same = replace(one, reader=replace(one.reader, subject="another person"), speech=Speech("en"))
    others = [
        replace(one, reader=replace(one.reader, agency_code=KARIMUN)),
        replace(one, reader=replace(one.reader, role="panrb_analyst")),
        replace(one, night=replace(night, night=date(2021, 7, 1))),
        replace(one, night=replace(night, published_at=datetime(2021, 7, 1, 9, tzinfo=UTC))),
        replace(one, small=replace(small, digest="two")),
    ]
    assert frame.shared(one, "rows", lambda: "mine") == frame.shared(same, "rows", lambda: "another's") == "mine"
    assert [frame.shared(other, "rows", lambda: "another's") for other in others] == ["another's"] * len(others)
    assert frame.shared(one, "rights", lambda: "of the role", of_role=True) == "of the role"
    assert frame.shared(others[0], "rights", lambda: "anew", of_role=True) == "of the role"
    assert frame.shared(others[1], "rights", lambda: "anew", of_role=True) == "anew"
    frame.forget()


def test_what_a_reader_types_comes_back_as_text(signed_in: SignIn) -> None:
    typed = '"><script>alert(1)</script>'
    page = signed_in("panrb").get("/laporan", params={"instansi": typed, "masa": "x' or 1=1 --"}).text
    assert "<script>alert" not in page
    assert str(escape(typed)) in page
    assert "Belum ada laporan dengan pilihan ini" in page


@pytest.mark.parametrize("name", ["jenis", "provinsi", "kelompok", "jendela", "ukuran", "urut"])
def test_a_filter_that_is_no_choice_is_harmless(name: str, signed_in: SignIn) -> None:
    client = signed_in("panrb")
    assert client.get("/instansi", params={name: "'; drop table marts.dim_dates; --"}).status_code == 200
    assert client.get("/instansi", params={name: "x" * 61}).status_code == 422
    assert client.get("/instansi", params={"halaman": "99"}).status_code == 200


def test_a_row_takes_no_place_by_a_value_that_it_does_not_show() -> None:
    def agency(name: str, of: int, value: float, rank: int | None, *, is_comparable: bool = True) -> dict[str, object]:
        counts = {"numerator_count": round(of * value), "denominator_count": of}
        return {"agency_name": name, "value": value, "shrunk_value": value, "rank": rank} | counts | {
            "is_comparable": is_comparable
        }  # fmt: skip

    rows = [
        agency("A", 40, 0.5, 2),
        agency("B", 20, 0.9, None, is_comparable=False),
        agency("C", 4, 1.0, None, is_comparable=False),
        agency("D", 50, 0.7, 1),
    ]

    def order(sort: str, *, descending: bool = True) -> str:
        return "".join(row["agency_name"] for row in _sorted(rows, Filters(sort=sort, descending=descending)))

    assert (order("tersesuaikan"), order("tersesuaikan", descending=False)) == ("DABC", "ADBC")
    assert order("peringkat", descending=False) == "DABC"
    assert (order("nilai"), order("nilai", descending=False)) == ("BDAC", "ADBC")  # of 4 no share is shown
    assert order("n") == "DABC"


def test_a_funnel_draws_the_comparable_agencies_alone() -> None:
    night = Night(date(2021, 6, 30), None, is_simulated=True, delivered=1, expected=1)
    page = Frame(Reader("panrb_analyst", None, "", "a"), Speech("id"), night, SmallCells(frozenset(), "one", None))
    facts = {"peer_group": "kota II", "funnel_target": 0.5, "funnel_tau_squared": 0, "value": 0.5}

    def agency(name: str, of: int, position: str, *, is_comparable: bool) -> dict[str, object]:
        told = {"agency_name": name, "denominator_count": of, "funnel_position": position}
        return facts | told | {"is_comparable": is_comparable}

    rows = [
        agency("A", 40, "within", is_comparable=True),
        agency("B", 50, "above 95", is_comparable=True),
        agency("C", 20, "above 99.8", is_comparable=False),
    ]
    drawing = funnel_chart(rows, page, "followed_up_rate")
    assert drawing is not None
    (points,) = drawing._data
    assert [point.label for point in points] == ["A", "B"]
    assert drawing._framing["title"] == "1 dari 2 instansi kota II yang dapat dibandingkan di luar batas wajar"
    assert drawing._framing["n"] == 90


def test_the_comparison_sorts_and_says_so(signed_in: SignIn) -> None:
    client = signed_in("panrb")
    page = client.get("/instansi?urut=-n").text
    assert re.search(r'aria-sort="descending"><a href="[^"]+urut=n&', page)
    names = re.findall(r'<a href="/instansi/([^"]+)">', page)
    assert names[:2] == [BATAM, PUPR]  # 71 and 35 received
    # In rising order a hidden count would otherwise stand between its neighbours.
    assert re.findall(r'<a href="/instansi/([^"]+)">', client.get("/instansi?urut=n").text)[:2] != names[:2]


def cells_of(page: str, name: str) -> list[str]:
    """What stands beside a name in a table's row, as read."""
    for row in re.findall(r"<tr[ >].*?</tr>", page, re.DOTALL):
        head, *cells = re.findall(r"<t[hd][ >].*?</t[hd]>", row, re.DOTALL)
        if name in head:
            return [" ".join(html.unescape(re.sub(r"<[^>]+>", " ", cell)).split()) for cell in cells]
    raise AssertionError(f"no row of {name}")


def test_delay_is_looked_for_in_what_came_a_quarter_earlier_and_only_the_judged_count_as_judged(
    signed_in: SignIn,
) -> None:
    """45 came in January to March and nothing was completed; nothing of April to June is 60 working days old."""
    client = signed_in("ombudsman")
    page = client.get("/indikasi?triwulan=2021-04-01").text
    assert cells_of(page, "Indikasi penundaan berlarut")[:2] == ["45", "45"]
    assert "masuk Triwulan I 2021" in text_of(page)
    assert cells_of(page, "Indikasi bolak-balik disposisi")[:2] == ["0", "77"]
    # Three agencies have no peers, so that nobody was judged.
    assert {row[3] for row in (cells_of(page, "penundaan berlarut"), cells_of(page, "bolak-balik"))} == {"0"}


def test_an_english_page_of_indications_says_them_in_english(signed_in: SignIn) -> None:
    read = text_of(signed_in("ombudsman").get("/indikasi?bahasa=en").text)
    assert "Indication of prolonged delay of complaints not archived, received in Q1 2021" in read
    assert "ndikasi" not in read
    assert "laporan" not in read.replace("/laporan", "")


def test_a_month_before_the_first_night_has_no_completeness_of_its_own(signed_in: SignIn) -> None:
    """The only night is that of 30 June: it says nothing of how complete January was at its end."""
    client = signed_in("panrb")
    for path in ("/", f"/provinsi/{PROVINCE}"):
        page = client.get(path).text
        for month in MONTHS[:-1]:
            assert cells_of(page, month)[-1] == "– dimuat 30 Juni 2021", path
        assert cells_of(page, MONTHS[-1])[-1].startswith("100,0%"), path


def test_an_agency_reads_only_of_its_own_deliveries_that_all_arrived(signed_in: SignIn) -> None:
    own, national = (text_of(signed_in(who).get("/kelengkapan").text) for who in ("batam", "panrb"))
    assert "Semua pengiriman instansi Anda sampai." in own
    assert "Baris instansi Anda" in own
    assert "Semua pengiriman sampai." in national
    assert "instansi Anda" not in national


def test_satisfaction_ends_with_the_year_of_the_night(signed_in: SignIn, nation: Nation) -> None:
    """The seeds know waves of 2019 to 2022; in June 2021 the last had not been asked."""
    assert nation.value("select max(wave) from marts.rpt_national_satisfaction") == 2022
    page = signed_in("panrb").get("/kepuasan").text
    assert re.findall(r'<th scope="row">(20\d\d)</th>', page)[-1] == "2021"
    assert "bukan data simulasi" in text_of(page)
    assert not re.search(r"n = [\d.]+", page.split("</figure>")[0])  # not of all waves is known who answered


def test_the_library_lists_what_the_reader_may_have_and_no_draft(signed_in: SignIn, nation: Nation) -> None:
    seen = {who: signed_in(who).get("/laporan").text for who in ("panrb", "ombudsman", "ksp", "batam")}
    issues = {key: str(issue_id) for key, issue_id in nation.issues.items()}
    may = {
        "panrb": {("panrb", ""), ("agency", BATAM), ("agency", KARIMUN)},
        "ombudsman": {("ombudsman", ""), ("agency", BATAM), ("agency", KARIMUN)},
        "ksp": {("ksp", "")},
        "batam": {("agency", BATAM)},
    }
    for who, page in seen.items():
        assert {key for key, issue_id in issues.items() if issue_id in page} == may[who], who


def test_the_library_begins_with_the_reports_of_the_nation_and_finds_an_agency_by_its_name(
    signed_in: SignIn, nation: Nation
) -> None:
    client = signed_in("panrb")
    own, batam, karimun = (str(nation.issues[key]) for key in (("panrb", ""), ("agency", BATAM), ("agency", KARIMUN)))

    def listed(asked: str) -> list[str]:
        page = client.get("/laporan", params={"instansi": asked}).text
        found = dict.fromkeys(re.findall(r'href="/api/v1/reports/([^/"]+)/files/', page))
        return [issue for issue in found if issue in (own, batam, karimun)]

    assert listed("") == [own, karimun, batam]  # Kabupaten Karimun before Kota Batam
    assert listed("kota bat") == listed(BATAM) == [batam]
    assert listed("%") == []


def test_the_dictionary_explains_each_figure_in_the_readers_language(signed_in: SignIn, nation: Nation) -> None:
    client = signed_in("ksp")
    indonesian, english = (client.get("/kamus", params={"bahasa": language}).text for language in ("id", "en"))
    count = nation.value("select count(*) from marts.metric_dictionary")
    assert count > 40
    assert indonesian.count("<dt>") == english.count("<dt>") == count
    assert 'lang="en"' not in indonesian.split("<main")[1]
    assert "Laporan selesai dan tidak dibuka kembali, dibagi laporan diterima" in text_of(indonesian)
    assert "Pemilik: KSP" not in text_of(indonesian)
    assert "Owner: Executive Office of the President" in text_of(english)
    for row in nation.rows("select unit, owner from marts.metric_dictionary"):
        assert (row[0] in UNITS, row[1] in OWNERS) == (True, True), row


def test_an_issue_is_dated_by_the_day_in_jakarta(signed_in: SignIn, nation: Nation) -> None:
    issue = str(nation.issues["ksp", ""])
    ((before,),) = nation.rows("select issued_at from library.issues where issue_id = %s", (issue,))
    change = "update library.issues set issued_at = %s where issue_id = %s"
    nation.rows(change, ("2021-06-30 23:30+00", issue))  # half past six in the morning of 1 July
    frame.forget()
    try:
        assert "1 Juli 2021 data sampai 30 Juni 2021" in text_of(signed_in("ksp").get("/laporan").text)
    finally:
        nation.rows(change, (before, issue))
        frame.forget()


@pytest.mark.parametrize("who", ROLES)
def test_the_page_of_the_api_names_the_marts_that_it_gives(who: str, signed_in: SignIn) -> None:
    client = signed_in(who)
    given = [mart["name"] for mart in client.get("/api/v1/marts").json()["marts"]]
    assert len(given) > 5
    assert re.findall(r"<li><code>(\w+)</code></li>", client.get("/api").text) == given


def test_a_trend_says_what_became_of_what_was_received(signed_in: SignIn) -> None:
    assert "122 laporan, 100,0% ditindaklanjuti dan 0,0% selesai" in text_of(signed_in("panrb").get("/").text)
    night = Night(date(2021, 6, 30), None, is_simulated=True, delivered=1, expected=1)
    page = Frame(Reader("ksp_reader", None, "", "a"), Speech("id"), night, SmallCells(frozenset(), "one", None))
    total = {"received_count": 1294, "followed_up_count": 647, "completed_count": 0}
    assert course_title(total, page, "Aceh") == "Aceh: 1.294 laporan, 50,0% ditindaklanjuti dan 0,0% selesai"
    assert (
        course_title(total, replace(page, speech=Speech("en")))
        == "1,294 complaints, 50.0% followed up and 0.0% completed"
    )
    few = dict.fromkeys(total, 9)
    assert course_title(few, page) == "9 laporan diterima"
    assert course_title(dict.fromkeys(total, Hidden.SMALL), page, "Aceh") == "Aceh: laporan menurut bulan diterima"


def test_a_trend_of_a_province_says_what_its_headlines_say_and_how_much_of_it_is_not_drawn(signed_in: SignIn) -> None:
    """87 came in, of which some months are hidden; the three or more that are drawn follow each other."""
    page = signed_in("panrb").get(f"/provinsi/{PROVINCE}").text
    hidden = list(received_by_month(page).values()).count("*")
    assert total_of(page) == "87"
    titles = re.findall(r'aria-label="(Kepulauan Riau: [^"]+)"', page)
    if hidden:
        assert all(title.endswith(f"({hidden} dari 6 bulan disamarkan)") for title in titles)
    assert all(title.startswith("Kepulauan Riau: 87 laporan, 100,0% ditindaklanjuti") for title in titles)


@pytest.mark.parametrize(
    ("months", "run"),
    [((1, 2, 3), 3), ((1, 2, 4, 5), 2), ((2, 4, 6), 1), ((), 0), ((3, 10, 11, 12, 13), 4)],
    ids=["all", "a gap", "every other", "none", "over the new year"],
)
def test_months_follow_each_other(months: tuple[int, ...], run: int) -> None:
    assert longest_run([date(2020 + (month - 1) // 12, (month - 1) % 12 + 1, 1) for month in months]) == run


def test_a_stock_is_told_with_its_day_and_compared_with_eight_weeks_before_where_the_database_was_full_by_then() -> (
    None
):
    night = Night(date(2021, 6, 30), None, is_simulated=True, delivered=1, expected=1)
    page = Frame(Reader("ksp_reader", None, "", "a"), Speech("id"), night, SmallCells(frozenset(), "one", None))
    weeks = [(date(2021, 6, 27) - timedelta(weeks=16 - number), 1000.0 + 10 * number) for number in range(17)]
    assert level(weeks, page) == "1.160 laporan terbuka pada 27 Juni 2021, bertambah 80 dalam 8 minggu"
    assert level(weeks[1:], page) == "1.160 laporan terbuka pada 27 Juni 2021"  # then from the first weeks
    assert level([*weeks[:-1], (weeks[-1][0], 1000.0)], page).endswith(", berkurang 80 dalam 8 minggu")
    hidden = [*weeks[:8], (weeks[8][0], None), *weeks[9:]]
    assert level(hidden, replace(page, speech=Speech("en"))) == "1,160 open complaints on 27 June 2021"


def test_a_file_of_the_library_downloads_as_it_was_issued(signed_in: SignIn) -> None:
    client = signed_in("batam")
    link = re.search(r'href="(/api/v1/reports/[^"]+/files/laporan\.pdf)"', client.get("/laporan").text)
    assert link
    answer = client.get(link.group(1))
    assert (answer.status_code, answer.content) == (200, f"%PDF-1.7 agency {BATAM}".encode())


def test_no_page_carries_a_script_or_an_inline_style(signed_in: SignIn) -> None:
    client = signed_in("ombudsman")
    for path in ("/", "/provinsi/21", "/instansi", f"/instansi/{BATAM}", "/indikasi", "/kepuasan", "/laporan"):
        page = client.get(path).text
        assert "<script" not in page, path
        assert not re.search(r"<[^>]+\sstyle=", page), path
        assert not re.search(r'(?:src|href)="(?:https?:)?//', page), path


def test_fonts_and_style_come_from_the_portal_and_may_be_kept(signed_in: SignIn) -> None:
    client = signed_in("")
    for path in ("/static/portal.css", "/static/favicon.svg", "/huruf/Regular.woff", "/huruf/Bold.woff"):
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert "immutable" in answer.headers["cache-control"]
    assert client.get("/huruf/..%2f..%2fportal.woff").status_code == 404


@pytest.mark.parametrize(
    ("count", "of", "value"),
    [(5, 10, 0.5), (5, 9, None), (0, 0, None), (Hidden.SMALL, Hidden.SMALL, None), (None, None, None)],
    ids=["ten", "nine", "none received", "hidden", "unknown"],
)
def test_a_share_needs_ten(count: int | None, of: int | None, value: float | None) -> None:
    assert rate(count, of).value == value


def test_a_page_speaks_both_languages() -> None:
    indonesian, english = Speech("id"), Speech("en")
    assert indonesian.months(date(2021, 1, 1), date(2021, 6, 1)) == "Januari–Juni 2021"
    assert indonesian.months(date(2020, 12, 1), date(2021, 1, 1)) == "Desember 2020–Januari 2021"
    assert indonesian.days(date(2021, 1, 1), date(2021, 6, 30)) == "1 Januari–30 Juni 2021"
    assert indonesian.days(date(2020, 7, 1), date(2021, 6, 30)) == "1 Juli 2020–30 Juni 2021"
    assert (indonesian.quarter(date(2021, 4, 1)), english.quarter(date(2021, 4, 1))) == ("Triwulan II 2021", "Q2 2021")
    assert indonesian.cut_off(date(2021, 6, 30)) == "30 Juni 2021 pukul 24.00 WIB"
    assert (indonesian.signed(-3), indonesian.signed(0), indonesian.signed(1294)) == ("−3", "0", "+1.294")
    assert (indonesian.number(Hidden.SMALL), indonesian.percent(None)) == ("*", "–")
    assert (indonesian.bytes(214_400), english.bytes(1_250_000)) == ("214 kB", "1.3 MB")
    assert english.word(KINDS, "kota") == "City"
    assert (indonesian.peers("kota II"), english.peers("kota II")) == ("kota II", "cities II")


def test_sorting_turns_round_on_the_same_column_and_begins_sensibly_on_another() -> None:
    sorting = Sorting(Filters(sort="nilai", descending=True, page=3))
    assert "urut=nilai&halaman=1" in sorting.link("nilai")
    assert "urut=-n&" in sorting.link("n")
    assert "urut=peringkat&" in sorting.link("peringkat")
    assert asked("", "", "", "", "", "-apa", 1).sort == "tersesuaikan"


def test_a_kept_value_is_made_once_for_many_and_again_after_its_time() -> None:
    made, release = [], threading.Event()
    kept: Kept[int] = Kept(seconds=0.2, at_most=2)

    def make() -> int:
        made.append(1)
        release.wait(5)
        return len(made)

    got: list[int] = []
    threads = [threading.Thread(target=lambda: got.append(kept.get("key", make))) for _ in range(5)]
    for thread in threads:
        thread.start()
    release.set()
    for thread in threads:
        thread.join(5)
    assert got == [1] * 5
    kept._clock = lambda: time.monotonic() + 1  # a second later
    assert kept.get("key", make) == 2


def test_a_failure_is_told_to_all_who_wait_and_not_kept() -> None:
    kept: Kept[int] = Kept(seconds=60, at_most=2)

    def fail() -> int:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        kept.get("key", fail)
    assert kept.get("key", lambda: 1) == 1


def _vector(place: dict[tuple[str, int], int], cells: list[tuple[str, int]]) -> np.ndarray:
    vector = np.zeros(len(place))
    for cell in cells:
        vector[place[cell]] = 1
    return vector
