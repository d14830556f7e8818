"""The portal in a real browser (Debian's chromium), as each of its readers: seen, refused, downloaded, and usable.

Every page is watched: no console error, no request to another host, nothing serious found by axe, and no sideways
scrolling on a telephone 360 pixels wide.
"""

import io
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import openpyxl
import psycopg2
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright
from pypdf import PdfReader

from reports import issuing, library
from reports.periods import Period
from reports.portal.pages import frame
from reports.portal.pages.frame import MENU
from reports.report import STAMP, Body
from tests.dbt_project.raw_world import BATAM, KARIMUN, PUPR
from tests.reports.portal.conftest import HOSTILE, Nation, Provider

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium: apt-get install chromium")

SignIn = Callable[[str], httpx.Client]
DESKTOP, TELEPHONE = (1280, 900), (360, 740)
PATIENCE_MS = 300_000
ROLES = {"panrb": "panrb_analyst", "ombudsman": "ombudsman_reader", "ksp": "ksp_reader", "batam": "agency_reader"}
FRONT = {"panrb": "Gambaran nasional", "ombudsman": "Gambaran nasional", "ksp": "Gambaran nasional"}


@dataclass
class Watched:
    """A page and what it did that it should not: console errors, failed scripts, requests to other hosts."""

    page: Page
    base: str
    faults: list[str] = field(default_factory=list)

    def open(self, path: str) -> int:
        """Go there; the status."""
        answer = self.page.goto(self.base + path, wait_until="networkidle")
        assert answer is not None
        return answer.status


Visit = Callable[..., AbstractContextManager[Watched]]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for the module."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def visit(chromium: Browser, portal: str, browser: SignIn) -> Visit:
    """visit("ksp"): a page in the session of that reader, "" for nobody."""

    @contextmanager
    def of(who: str, size: tuple[int, int] = DESKTOP) -> Iterator[Watched]:
        context = chromium.new_context(viewport={"width": size[0], "height": size[1]}, accept_downloads=True)
        context.set_default_timeout(PATIENCE_MS)
        context.add_cookies([{"name": n, "value": v, "url": portal} for n, v in browser(who).cookies.items()])
        watched = Watched(context.new_page(), portal)
        host = urlsplit(portal).netloc
        watched.page.on(
            "console", lambda message: watched.faults.append(message.text) if message.type == "error" else None
        )
        watched.page.on("pageerror", lambda error: watched.faults.append(str(error)))
        watched.page.on("dialog", lambda dialog: watched.faults.append(dialog.message))
        watched.page.on(
            "request",
            lambda request: watched.faults.append(request.url) if urlsplit(request.url).netloc != host else None,
        )
        yield watched
        context.close()

    return of


def paths_of(who: str) -> list[str]:
    """Every page of the menu that the reader may open, and one below each list."""
    paths = [item.path for item in MENU if ROLES[who] in item.roles]
    if who != "batam":
        paths.append("/provinsi/21")
    if who in ("panrb", "ombudsman"):
        paths += [f"/instansi/{BATAM}", f"/instansi/{PUPR}", "/instansi?kelompok=kota+II&urut=-nilai"]
    return paths


def serious(page: Page) -> list[str]:
    """What axe finds that keeps people out."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {node['html'][:120]}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("who", ROLES)
def test_each_reader_sees_clean_pages_on_a_desktop_and_a_telephone(who: str, visit: Visit) -> None:
    paths = paths_of(who)
    assert len(paths) >= 5
    with visit(who) as desktop, visit(who, TELEPHONE) as telephone:
        for path in paths:
            assert desktop.open(path) == 200, path
            assert desktop.page.locator("h1").count() == 1, path
            assert serious(desktop.page) == [], path
            assert telephone.open(path) == 200, path
            assert serious(telephone.page) == [], path
            width = telephone.page.evaluate("document.documentElement.scrollWidth")
            assert width <= TELEPHONE[0], f"{path} is {width} px wide"
        assert desktop.faults + telephone.faults == []


@pytest.mark.parametrize(
    ("who", "path"),
    [
        ("ksp", "/instansi"),
        ("ksp", f"/instansi/{BATAM}"),
        ("ksp", "/indikasi"),
        ("panrb", "/indikasi"),
        ("ombudsman", "/isu"),
        ("batam", "/"),
        ("batam", "/provinsi"),
        ("batam", f"/instansi/{KARIMUN}"),
        ("batam", "/kepuasan"),
    ],
)
def test_a_reader_is_told_why_a_page_is_not_theirs(who: str, path: str, visit: Visit) -> None:
    with visit(who) as seen:
        status = seen.open(path)
        if path == "/":
            assert seen.page.url.endswith("/instansi-saya")
            return
        assert status == 403
        assert "tidak berwenang" in seen.page.locator("h1").inner_text()
        assert "admin SP4N-LAPOR!" in seen.page.locator("main").inner_text()
        assert serious(seen.page) == []


def test_nobody_sees_the_sign_in_page_alone(visit: Visit) -> None:
    with visit("", TELEPHONE) as seen:
        for path in ("/", "/instansi", "/laporan", f"/instansi/{BATAM}"):
            seen.open(path)
            assert urlsplit(seen.page.url).path == "/masuk"
        assert seen.page.locator("nav").count() == 0
        assert serious(seen.page) == []
        assert seen.faults == []


def test_an_officer_signs_in_reads_drills_down_and_signs_out(visit: Visit, provider: Provider) -> None:
    with visit("") as seen:
        page = seen.page
        seen.open("/indikasi")
        page.get_by_role("link", name="Masuk dengan akun lembaga").click()
        page.wait_for_url(f"{provider.issuer}/**")
        page.locator("input[name=sub]").first.fill("ombudsman")
        page.locator("form:has(input[name=sub]) button").first.click()
        page.wait_for_url("**/indikasi")
        assert "Indikasi maladministrasi" in page.locator("h1").inner_text()
        page.get_by_role("link", name="Perbandingan instansi").click()
        page.get_by_label("Ukuran").select_option("completed_rate")
        page.get_by_role("button", name="Terapkan").click()
        assert "ukuran=completed_rate" in page.url
        page.get_by_role("link", name="Batam").first.click()
        assert "Batam" in page.locator("h1").inner_text()
        page.get_by_role("button", name="Keluar").click()
        page.wait_for_url("**/masuk")
        seen.open(f"/instansi/{BATAM}")
        assert urlsplit(page.url).path == "/masuk"


@pytest.mark.parametrize(
    ("who", "body", "agency"), [("ksp", "ksp", ""), ("ombudsman", "ombudsman", ""), ("batam", "agency", BATAM)]
)
def test_a_download_is_the_issued_file_and_is_recorded(
    who: str, body: str, agency: str, visit: Visit, nation: Nation
) -> None:
    count = "select count(*) from library.access_log where action = 'download' and object like %s"
    issue = (f"%{nation.issues[body, agency]}%",)
    before = nation.value(count, issue)
    with visit(who) as seen:
        seen.open(f"/laporan?lembaga={body}")
        with seen.page.expect_download() as started:
            seen.page.get_by_role("link", name="PDF").first.click()
        with open(started.value.path(), "rb") as file:  # noqa: PTH123 - the browser's own path
            assert file.read() == f"%PDF-1.7 {body} {agency}".encode()
        assert seen.faults == []
    assert nation.value(count, issue) == before + 1


# Reader -> a report of theirs, its first headline, and what the marts say of it.
MONTH = "select received_count from marts.{} where month = '{}-01'"
REPORTS: dict[str, tuple[Body, str, str, str]] = {
    "panrb": ("panrb", "2021-06", "Laporan diterima", MONTH.format("rpt_national_performance_monthly", "2021-06")),
    "ksp": ("ksp", "2021-06", "Topik yang naik", "select count(*) filter (where is_rising) from marts.rpt_category_trends_weekly"),
    "ombudsman": (
        "ombudsman", "2021-Q1", "Laporan diterima instansi",
        "select sum(received_count) from marts.rpt_ombudsman_agencies_quarterly where quarter = '2021-01-01'",
    ),
    "batam": (
        "agency", "2021-04", "Laporan diterima",
        MONTH.format("rpt_agency_performance_monthly", "2021-04") + f" and agency_code = '{BATAM}'",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def reports(nation: Nation, portal: str) -> Iterator[None]:
    """The reports of REPORTS, issued from the nation's marts, and gone afterwards."""
    with closing(psycopg2.connect(nation.dsn)) as connection:
        with connection, connection.cursor() as cursor:
            cursor.execute("set role reporter")
        for body, period, *_ in REPORTS.values():
            agency = BATAM if body == "agency" else None
            with connection, connection.cursor() as cursor:
                report = issuing.compose(cursor, body, Period.parse(period), agency)
            library.issue(connection, report)
    frame.forget()
    yield
    for table in ("cells", "files", "issues"):
        nation.rows(
            f"delete from library.{table} where issue_id in (select issue_id from library.issues where code_version <> 'x')"
        )
    frame.forget()


@pytest.mark.usefixtures("reports")
@pytest.mark.parametrize("who", REPORTS)
def test_a_reader_downloads_a_report_that_says_what_the_marts_say(who: str, visit: Visit, nation: Nation) -> None:
    body, period, label, query = REPORTS[who]
    value = int(nation.value(query))
    with visit(who) as seen:
        seen.open(f"/laporan?lembaga={body}&masa={period}")
        files = {}
        for name in ("PDF", "XLSX", "JSON"):
            with seen.page.expect_download() as started:
                seen.page.get_by_role("link", name=name, exact=True).click()
            files[name] = Path(started.value.path()).read_bytes()
        assert seen.faults == []
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(files["PDF"])).pages]
    assert f"{label} {value} " in " ".join(pages[0].split()) + " "
    assert all(STAMP in page for page in pages)
    sheets = openpyxl.load_workbook(io.BytesIO(files["XLSX"]))
    assert (label, value) in {row[:2] for row in sheets["ringkasan"].iter_rows(values_only=True)}
    told = json.loads(files["JSON"])
    assert (told["body"], told["period"], told["stamp"]) == (body, period, STAMP)
    assert (told["headlines"][0]["label"], told["headlines"][0]["value"]) == (label, value)
    said = "\n".join([*pages, files["JSON"].decode()])
    assert "judul =1" not in said
    names_others = body != "agency"
    assert (json.dumps(HOSTILE, ensure_ascii=False)[1:-1] in files["JSON"].decode()) == names_others


def test_the_keyboard_reaches_content_and_tables(visit: Visit) -> None:
    with visit("panrb") as seen:
        seen.open("/instansi")
        page = seen.page
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "isi"
        for _ in range(12):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.className") == "scroll":
                break
        assert page.evaluate("document.activeElement.getAttribute('role')") == "region"


def test_print_leaves_out_menu_and_forms(visit: Visit) -> None:
    with visit("panrb") as seen:
        seen.open("/instansi")
        seen.page.emulate_media(media="print")
        assert not seen.page.locator("nav .menu, ul.menu").first.is_visible()
        assert not seen.page.locator("form.filter").is_visible()
        assert seen.page.locator(".stamp").first.is_visible()
