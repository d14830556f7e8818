"""What machines pull: the right rows in three formats, page by page, to whom they are due, and written down."""

import csv
import io
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from hashlib import sha256
from uuid import uuid4

import httpx
import psycopg2
import pyarrow.parquet
import pytest
import schemathesis
from hypothesis import given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.generation import GenerationMode

from reports.portal import limits, paging
from reports.portal.catalog import Mart
from reports.portal.errors import Refused
from reports.portal.small_cells import ALL_AGENCIES
from reports.report import STAMP
from tests.dbt_project.raw_world import BATAM, KARIMUN
from tests.reports.portal.conftest import NIGHT, RECEIVED, Nation, Provider, SignIn, problem, settings_of

Machine = Callable[..., httpx.Client]
MONTHLY = "/marts/rpt_agency_performance_monthly"
FIRST = "2021-01-01"
EXAMPLES = 25  # of each operation, fitting and not


def received(client: httpx.Client, **asked: str | int) -> dict[str, int | None]:
    """Month -> complaints received, as the API shows it."""
    told = client.get(MONTHLY, params=asked).json()
    return {row["month"]: row["received_count"] for row in told["rows"] if row["month"] >= FIRST}


def test_a_row_of_one_to_four_people_shows_no_figure_and_says_so(machine: Machine) -> None:
    told = machine("panrb").get(MONTHLY, params={"agency_code": KARIMUN}).json()
    rows = {row["month"][:7]: row for row in told["rows"] if row["month"] >= FIRST}
    hidden = {month for month, row in rows.items() if row["is_hidden"]}
    assert {"2021-01", "2021-03", "2021-05", "2021-06"} <= hidden  # 3, 2, 4 and 1 complaints
    counts = {f"2021-{month:02d}": count for month, count in enumerate(RECEIVED[KARIMUN], start=1)}
    shown = {month: row["received_count"] for month, row in rows.items() if month not in hidden}
    assert shown.items() <= counts.items()
    figures = {name for name, value in rows["2021-01"].items() if value is not None}
    assert figures == {"agency_code", "month", "agency_name", "kind", "province_code", "is_simulated", "is_hidden"}


def test_what_is_enough_is_shown_in_full(machine: Machine) -> None:
    months = received(machine("panrb"), agency_code=BATAM)
    # Some of its months hide the small ones of another agency, which would follow from the nation's otherwise.
    shown = {month: count for month, count in months.items() if count is not None}
    assert shown
    assert shown.items() <= dict(zip(months, RECEIVED[BATAM], strict=True)).items()
    month, count = next(iter(shown.items()))
    row = machine("panrb").get(MONTHLY, params={"agency_code": BATAM, "month": month[:7]}).json()["rows"][0]
    assert (row["received_count"], row["is_hidden"]) == (count, False)
    assert row["completed_rate"] is not None


@pytest.mark.parametrize(
    ("who", "offered", "kept"),
    [
        ("ksp", "rpt_province_performance_monthly", "rpt_agency_performance_monthly"),
        ("ksp", "rpt_category_trends_weekly", "rpt_ombudsman_indications_quarterly"),
        ("ksp", "rpt_national_mix_monthly", "rpt_ksp_strategic_issues_weekly"),
        ("ksp", "rpt_national_satisfaction", "rpt_ksp_longest_open"),
        ("panrb", "rpt_panrb_monev_monthly", "rpt_national_timeliness"),
        ("batam", "rpt_agency_performance_monthly", "rpt_unit_performance_monthly"),
        ("panrb", "rpt_agency_timeliness", "rpt_agency_stock_flow_daily"),
        ("batam", "rpt_peer_distribution", "rpt_national_performance_monthly"),
        ("panrb", "rpt_agency_comparison", "fct_complaints"),
        ("ombudsman", "rpt_ombudsman_indications_quarterly", "fct_complaint_events"),
        ("panrb", "metric_dictionary", "fct_survey_responses"),
    ],
)
def test_a_role_is_offered_what_the_database_grants_and_never_rows_of_complaints(
    machine: Machine, who: str, offered: str, kept: str
) -> None:
    client = machine(who)
    names = {mart["name"] for mart in client.get("/marts").json()["marts"]}
    assert offered in names
    assert kept not in names
    assert client.get(f"/marts/{offered}").status_code == 200
    assert client.get(f"/marts/{kept}").status_code == 404


def test_an_agency_sees_its_own_rows_whatever_it_asks_for(machine: Machine) -> None:
    client = machine("batam")
    assert {row["agency_code"] for row in client.get(MONTHLY).json()["rows"]} == {BATAM}
    assert client.get(MONTHLY, params={"agency_code": KARIMUN}).json()["rows"] == []


def test_the_three_formats_say_the_same(machine: Machine) -> None:
    client = machine("panrb")
    rows = client.get(MONTHLY).json()["rows"]
    assert len(rows) >= 18
    table = csv.DictReader(io.StringIO(client.get(MONTHLY, params={"format": "csv"}).content.decode("utf-8-sig")))
    lines = list(table)
    assert [line["received_count"] for line in lines] == [
        "" if row["received_count"] is None else str(row["received_count"]) for row in rows
    ]
    assert {line["stempel"] for line in lines} == {STAMP}
    answer = client.get(MONTHLY, headers={"Accept": "text/html;q=0.5, application/vnd.apache.parquet"})
    parquet = pyarrow.parquet.read_table(io.BytesIO(answer.content))
    assert parquet.column("received_count").to_pylist() == [row["received_count"] for row in rows]
    assert parquet.column("completed_rate").to_pylist() == [row["completed_rate"] for row in rows]
    assert parquet.schema.field("month").type == pyarrow.date32()
    assert parquet.schema.metadata[b"stamp"].decode() == STAMP


def test_every_offered_mart_comes_in_every_format(machine: Machine) -> None:
    client = machine("ombudsman")
    names = [mart["name"] for mart in client.get("/marts").json()["marts"]]
    assert len(names) > 20
    answers = {
        (name, kind): client.get(f"/marts/{name}", params={"format": kind, "limit": 50}).status_code
        for name in names
        for kind in ("json", "csv", "parquet")
    }
    assert {asked: status for asked, status in answers.items() if status != 200} == {}


def test_the_night_and_the_stamp_come_with_every_page(machine: Machine) -> None:
    answer = machine("ksp").get("/marts/rpt_national_performance_monthly", params={"format": "csv"})
    assert answer.headers["lapor-night"] == str(NIGHT)
    assert answer.headers["lapor-stamp"] == STAMP
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"


def test_an_accept_header_that_is_none_of_the_formats_is_not_acceptable(machine: Machine) -> None:
    refused = machine("panrb").get(MONTHLY, headers={"Accept": "text/html, application/json;q=0"})
    assert refused.status_code == 406
    assert "?format=csv" in problem(refused)["detail"]


def test_pages_follow_each_other_by_key_and_give_every_row_once(machine: Machine) -> None:
    client = machine("panrb")
    whole = client.get(MONTHLY).json()["rows"]
    pages: list[dict[str, object]] = []
    cursor: str | None = None
    while True:
        asked = {"limit": 5} | ({"cursor": cursor} if cursor else {})
        answer = client.get(MONTHLY, params=asked)
        told = answer.json()
        assert answer.headers.get("lapor-next-cursor") == told["next_cursor"]
        pages += told["rows"]
        cursor = told["next_cursor"]
        if cursor is None:
            break
        assert len(told["rows"]) == 5
    assert pages == whole


def test_a_cursor_is_good_for_the_list_it_came_from_alone(machine: Machine) -> None:
    client = machine("panrb")
    cursor = client.get(MONTHLY, params={"limit": 1}).json()["next_cursor"]
    for mart, sent in (
        ("rpt_agency_comparison", cursor),
        ("rpt_agency_performance_monthly", cursor[:-4] + "AAA="),
    ):
        refused = client.get(f"/marts/{mart}", params={"cursor": sent})
        assert refused.status_code == 404
        assert "Begin again" in problem(refused)["detail"]
    assert client.get("/reports", params={"cursor": cursor}).status_code == 404


def test_a_sealed_place_comes_back_as_it_was(portal: str) -> None:
    assert paging.opened("x", paging.sealed("x", ["é/1", "'"]), 2) == ["é/1", "'"]
    with pytest.raises(Refused):
        paging.opened("y", paging.sealed("x", ["a"]), 1)


def test_what_has_not_changed_is_not_sent_again(machine: Machine) -> None:
    client = machine("panrb")
    for path in (MONTHLY, "/marts", "/metrics", "/reports"):
        first = client.get(path)
        again = client.get(path, headers={"If-None-Match": f'"x", W/{first.headers["etag"]}'})
        assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
        assert again.headers["etag"] == first.headers["etag"]
        assert client.get(path, headers={"If-None-Match": '"x"'}).status_code == 200
    assert client.get(MONTHLY).headers["etag"] != client.get(MONTHLY, params={"limit": 1}).headers["etag"]


def test_a_filter_that_is_no_column_of_the_mart_is_refused(machine: Machine) -> None:
    refused = machine("panrb").get("/marts/metric_dictionary", params={"month": "2021-06"})
    assert refused.status_code == 422
    assert "no column month" in problem(refused)["detail"]


def test_rows_are_taken_by_month_and_province(machine: Machine) -> None:
    client = machine("ksp")
    asked = {"province_code": "21", "month": "2021-06"}
    rows = client.get("/marts/rpt_province_performance_monthly", params=asked).json()["rows"]
    assert [(row["province_code"], row["month"], row["received_count"]) for row in rows] == [("21", "2021-06-01", 26)]


def test_the_metric_dictionary_says_what_is_divided_by_what(machine: Machine) -> None:
    metrics = {metric["metric"]: metric for metric in machine("batam").get("/metrics").json()["metrics"]}
    assert metrics["completed_rate"]["denominator"] == "complaints received"


@pytest.mark.parametrize(
    ("who", "sees"),
    [
        ("panrb", {("panrb", None), ("agency", BATAM), ("agency", KARIMUN)}),
        ("ombudsman", {("ombudsman", None), ("agency", BATAM), ("agency", KARIMUN)}),
        ("ksp", {("ksp", None)}),
        ("batam", {("agency", BATAM)}),
        ("karimun", {("agency", KARIMUN)}),
    ],
)
def test_the_library_lists_what_is_for_the_reader_and_no_preview(
    machine: Machine, who: str, sees: set[tuple[str, str | None]]
) -> None:
    issues = machine(who).get("/reports").json()["issues"]
    assert {(issue["body"], issue["agency_code"]) for issue in issues} == sees
    assert {issue["period"] for issue in issues} == {"2021-Q2"}
    assert {issue["stamp"] for issue in issues} == {STAMP}


def test_reports_are_found_by_body_period_and_agency_and_paged(machine: Machine) -> None:
    client = machine("panrb")

    def found(**asked: str) -> list[str]:
        return [issue["body"] for issue in client.get("/reports", params=asked).json()["issues"]]

    assert found(body="panrb", period="2021-Q2") == ["panrb"]
    assert found(body="ksp") == found(period="2021-Q1") == []
    assert found(agency_code=KARIMUN) == ["agency"]
    first = client.get("/reports", params={"limit": 2}).json()
    second = client.get("/reports", params={"limit": 2, "cursor": first["next_cursor"]}).json()
    ids = [issue["issue_id"] for issue in first["issues"] + second["issues"]]
    assert len(set(ids)) == 3
    assert second["next_cursor"] is None


def test_a_file_comes_as_it_was_issued_and_is_written_down_first(machine: Machine, nation: Nation) -> None:
    client, issue = machine("ksp"), nation.issues["ksp", ""]
    told = client.get(f"/reports/{issue}").json()
    file = next(file for file in told["files"] if file["name"] == "laporan.pdf")
    before = nation.value("select count(*) from library.access_log")
    answer = client.get(file["url"].removeprefix("/api/v1"))
    assert answer.content == b"%PDF-1.7 ksp "
    assert sha256(answer.content).hexdigest() == file["sha256"]
    assert answer.headers["etag"] == f'"{file["sha256"]}"'
    assert answer.headers["content-disposition"] == 'attachment; filename="ksp-2021-Q2-v1-laporan.pdf"'
    rows = nation.rows(
        "select role, action, object, details from library.access_log order by access_id offset %s", (before,)
    )
    assert rows == [("ksp_reader", "download", f"{issue}/laporan.pdf", {"sha256": file["sha256"], "bytes": 13})]
    again = client.get(f"/reports/{issue}/files/laporan.pdf", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_what_cannot_be_written_down_is_not_handed_out(machine: Machine, nation: Nation) -> None:
    issue = nation.issues["ksp", ""]
    nation.rows("revoke insert on library.access_log from portal")
    try:
        for path in (f"/reports/{issue}/files/laporan.pdf", "/marts/metric_dictionary"):
            refused = machine("ksp").get(path)
            assert refused.status_code == 403
            assert b"PDF" not in refused.content
    finally:
        nation.rows("grant insert on library.access_log to portal")


def test_a_file_changed_after_it_was_issued_is_not_handed_out(machine: Machine, nation: Nation) -> None:
    issue = nation.issues["panrb", ""]
    path = nation.library / "panrb" / "2021-Q2" / "v1" / "laporan.pdf"
    kept = path.read_bytes()
    path.write_bytes(b"%PDF-1.7 something else")
    try:
        refused = machine("panrb").get(f"/reports/{issue}/files/laporan.pdf")
    finally:
        path.write_bytes(kept)
    assert refused.status_code == 503
    assert "not as it was issued" in problem(refused)["detail"]
    assert machine("panrb").get(f"/reports/{issue}/files/laporan.pdf").content == kept


def test_the_session_of_a_page_may_download_too(browser: SignIn, nation: Nation) -> None:
    answer = browser("batam").get(f"/api/v1/reports/{nation.issues['agency', BATAM]}/files/ringkasan.csv")
    assert answer.content == b"angka\r\n1\r\n"


def test_a_reader_who_asks_too_often_is_told_when_to_come_back(machine: Machine) -> None:
    client, other = machine("ksp"), machine("batam")
    with settings_of(reader_limit="3/minute"):
        statuses = [client.get("/marts").status_code for _ in range(4)]
        refused = client.get("/marts")
        assert statuses == [200, 200, 200, 429]
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert "Try again in" in problem(refused)["detail"]
        assert other.get("/marts").status_code == 200


def test_a_window_moves_and_forgets_who_has_been_silent() -> None:
    window, now = limits.Window(2, 60), 1000.0
    window._clock = lambda: now
    assert [window.hit(("reader", "a")) for _ in range(3)] == [0, 0, 60]
    assert window.hit(("reader", "b")) == 0
    now = 1030.0
    assert window.hit(("reader", "a")) == 30
    now = 1060.0
    assert [window.hit(("reader", "a")) for _ in range(3)] == [0, 0, 60]
    now = 1200.0
    for _ in range(limits.SWEPT_EVERY):
        window.hit(("reader", "c"))
    assert set(window._asked) == {("reader", "c")}


def test_refused_tokens_are_counted_against_their_address(portal: str, machine: Machine) -> None:
    with settings_of(sign_in_limit="2/minute"):
        wrong = {"Authorization": "Bearer x"}
        statuses = [httpx.get(f"{portal}/api/v1/marts", headers=wrong).status_code for _ in range(3)]
        assert statuses == [401, 401, 429]
        assert machine("ksp").get("/marts").status_code == 200


def test_a_query_that_takes_too_long_is_cancelled(machine: Machine, nation: Nation) -> None:
    client = machine("panrb")
    # Somebody holds the mart: the query waits for it, and the portal not for ever with it.
    with settings_of(statement_seconds="0.2"), closing(psycopg2.connect(nation.dsn)) as holder:
        holder.cursor().execute("lock table marts.metric_dictionary in access exclusive mode")
        refused = client.get("/metrics")
    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "30"


def test_a_request_does_not_wait_for_ever_for_a_connection(machine: Machine, nation: Nation) -> None:
    from reports.portal import database  # the pool of these settings

    client = machine("panrb")
    with settings_of(connections="1", wait_seconds="0.05"), database.ask(ALL_AGENCIES):
        assert client.get("/metrics").status_code == 503
    assert client.get("/metrics").status_code == 200


def test_the_warehouse_may_be_restarted_under_the_portal(machine: Machine, nation: Nation) -> None:
    client = machine("panrb")
    assert client.get("/metrics").status_code == 200
    ended = nation.rows(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'lapor/portal'"
    )
    assert ended
    assert client.get("/metrics").status_code == 200


def test_what_a_statement_sets_for_a_session_is_gone_for_the_next_reader(portal: str, nation: Nation) -> None:
    from reports.portal import database  # the pool of these settings

    with settings_of(connections="1"):
        with database.ask(ALL_AGENCIES) as asked:
            asked.execute(
                "rollback; set role panrb_analyst; set app.agency_code = 'KOTA-21.71'; set timezone = 'Asia/Jakarta'"
            )
        with database.ask(replace(ALL_AGENCIES, role="ksp_reader")) as asked:
            asked.execute("select current_user, current_setting('app.agency_code'), current_setting('timezone')")
            assert asked.fetchone() == ("ksp_reader", "", "UTC")
            asked.execute("rollback")
            asked.execute("select current_user, coalesce(current_setting('app.agency_code', true), '')")
            assert asked.fetchone() == ("portal", "")
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                asked.execute("select count(*) from marts.rpt_agency_comparison")


def test_a_hidden_row_keeps_what_names_it_alone() -> None:
    columns = ("agency_code", "month", "agency_name", "kind", "received_count", "rate", "grade", "is_good", "coverage")
    mart = Mart("m", "aggregate", dict.fromkeys(columns, "text"), ("agency_code", "month"), ("received_count",), 5)
    assert mart.figures == {"received_count", "rate", "grade", "is_good"}


def test_the_description_of_the_api_names_no_other_host_and_needs_no_sign_in(portal: str) -> None:
    told = httpx.get(f"{portal}/api/v1/openapi.json")
    assert told.status_code == 200
    assert "://" not in told.text
    assert set(told.json()["paths"]) == {
        "/api/v1/reports",
        "/api/v1/reports/{issue_id}",
        "/api/v1/reports/{issue_id}/files/{name}",
        "/api/v1/marts",
        "/api/v1/marts/{mart}",
        "/api/v1/metrics",
    }


@pytest.mark.parametrize("query", ["moth=2021-06", "=2021-06", "month=2021-06&agency=KOTA-21.71"])
def test_a_parameter_that_is_misspelt_is_refused_and_not_passed_over(machine: Machine, query: str) -> None:
    mart = "/marts/rpt_agency_performance_monthly"
    assert machine("panrb").get(f"{mart}?month=2021-06").status_code == 200
    answer = machine("panrb").get(f"{mart}?{query}")
    assert answer.status_code == 422
    assert "agency_code" in answer.text


def test_an_issue_that_is_not_there_is_not_found(machine: Machine) -> None:
    assert machine("panrb").get(f"/reports/{uuid4()}").status_code == 404


@pytest.mark.parametrize("mode", list(GenerationMode), ids=str)
def test_the_api_does_what_it_describes(portal: str, provider: Provider, mode: GenerationMode) -> None:
    """schemathesis: what fits the description is answered as described, what does not is refused, and nothing is a 500."""
    described = schemathesis.openapi.from_url(f"{portal}/api/v1/openapi.json")
    token = {"Authorization": f"Bearer {provider.token('panrb')}"}
    operations = [found.ok() for found in described.get_all_operations()]
    assert len(operations) == 6
    for operation in operations:

        @given(case=operation.as_strategy(generation_mode=mode))
        @settings(max_examples=EXAMPLES)
        def checked(case: schemathesis.Case) -> None:
            case.call_and_validate(headers=token)

        try:
            checked()
        except Unsatisfiable:
            assert mode is GenerationMode.NEGATIVE  # nothing of this operation can be wrong
