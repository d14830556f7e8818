"""A new API is a profile in YAML and nothing else: every way of paging and of proving who asks, against real servers."""

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiohttp import web
from psycopg2.extensions import connection as Connection

from tests.extract.servers import NEXT, NIGHT, profiles_in, query, registry_of, run_night, serving

Change = Callable[..., None]
TIME = "2021-06-01T09:00:00+07:00"

# What every profile of this file has in common; `rest`, `auth` and `events` differ.
FIELDS = """
description: An API of the tests.
resource: complaints
fields:
  source_system: {constant: probe}
  tracking_id: {from: id, required: true}
  report_class: {constant: PENGADUAN}
  is_anonymous: {constant: true}
  is_secret: {constant: false}
  status: {from: state, required: true, words: {new: TERDISPOSISI, done: SELESAI}}
  received_at: {from: received, type: timestamp, required: true}
  updated_at: {from: changed, type: timestamp}
"""
EVENT_FIELDS = """
  fields:
    event_seq: {from: "no", type: integer, required: true}
    event_type: {from: what, required: true, words: {in: MASUK, out: SELESAI_MANUAL}}
    occurred_at: {from: at, type: timestamp, required: true}
"""


def record(number: int, **more: Any) -> dict[str, Any]:
    return {"id": f"C-{number:04d}", "state": "new", "received": TIME, "changed": TIME, **more}


RECORDS = [record(number) for number in range(1, 24)]
IDS = [entry["id"] for entry in RECORDS]


@pytest.fixture
def write_profile(tmp_path: Path) -> Iterator[Callable[[str, str], str]]:
    with profiles_in(tmp_path / "profiles") as write:
        yield write


Try = Callable[..., list[web.Request]]


@pytest.fixture
def read_api(warehouse: Connection, environment: Change, tmp_path: Path, write_profile: Any) -> Try:
    """Describe an API in YAML, serve it, run a night of it; gives what the server was asked."""

    def run(rest: str, respond: Any, *, more: str = "", location: str = "api", **variables: str) -> list[web.Request]:
        write_profile("probe", FIELDS + f"rest: {rest}\n" + more)

        async def answer(request: web.Request) -> web.StreamResponse:
            response = respond(request)
            return response if isinstance(response, web.StreamResponse) else await response

        with serving(answer) as served:
            environment(LAPOR_CONNECTION_PROBE=f"{served.base()}/v1", LAPOR_EXTRACT_CHECKPOINT_PAGES="2", **variables)
            run_night(registry_of(tmp_path / "registry", [f"A,complaints,rest,probe,probe,{location},nightly"]))
        return served.asked

    return run


def delivered(warehouse: Connection) -> tuple[str, list[str]]:
    state, reason = query(warehouse, "select state, reason from ops.deliveries")[0]
    assert reason is None, reason
    return state, [row[0] for row in query(warehouse, "select tracking_id from raw.complaints order by 1")]


def fact(warehouse: Connection, column: str) -> Any:
    return query(warehouse, f"select {column} from ops.deliveries")[0][0]


# -- paging ------------------------------------------------------------------------------------------------------------


def test_pages_by_keyset_with_absolute_addresses_in_the_body(warehouse: Connection, read_api: Try) -> None:
    def respond(request: web.Request) -> web.Response:
        after = request.query.get("after", "")
        page = [entry for entry in RECORDS if entry["id"] > after][:5]
        url = f"{request.url.origin()}/v1/api?after={page[-1]['id']}&size=5" if len(page) == 5 else None
        return web.json_response({"rows": page, "next_url": url})

    asked = read_api(
        "{records_at: rows, paging: {style: next_url, next_at: next_url, size_parameter: size, size: 5}}", respond
    )
    assert delivered(warehouse) == ("received", IDS)
    assert [request.query.get("after") for request in asked] == [None, "C-0005", "C-0010", "C-0015", "C-0020"]


def test_pages_by_the_key_of_the_last_record(warehouse: Connection, read_api: Try) -> None:
    def respond(request: web.Request) -> web.Response:
        page = [entry for entry in RECORDS if entry["id"] > request.query.get("after_id", "")][:7]
        return web.json_response({"rows": [{"node": entry} for entry in page]})

    read_api("{records_at: rows, record_at: node, paging: {style: keyset, parameter: after_id, key_from: id}}", respond)
    assert delivered(warehouse) == ("received", IDS)


@pytest.mark.parametrize("cap", [1, 4, 23, 1000])
def test_pages_by_offset_of_a_server_that_gives_fewer_than_asked_for(
    warehouse: Connection, read_api: Try, cap: int
) -> None:
    def respond(request: web.Request) -> web.Response:
        first = int(request.query["offset"])
        page = RECORDS[first : first + min(int(request.query["limit"]), cap)]
        return web.json_response(page, headers={"X-Total-Count": str(len(RECORDS))})

    paging = "{style: offset, parameter: offset, size_parameter: limit, size: 10}"
    asked = read_api(f"{{total_header: x-total-count, paging: {paging}}}", respond)
    assert delivered(warehouse) == ("received", IDS)
    assert (fact(warehouse, "stated_total"), fact(warehouse, "received_rows")) == (23, 23)
    assert len(asked) == -(-23 // min(cap, 10))


def test_pages_by_offset_without_a_total_end_with_the_first_empty_one(warehouse: Connection, read_api: Try) -> None:
    def respond(request: web.Request) -> web.Response:
        first = int(request.query["skip"])
        return web.json_response(RECORDS[first : first + 10])

    asked = read_api("{paging: {style: offset, parameter: skip}}", respond)
    assert delivered(warehouse) == ("received", IDS)
    assert [request.query["skip"] for request in asked] == ["0", "10", "20", "23"]


def test_pages_by_number_from_zero_until_one_is_empty(warehouse: Connection, read_api: Try) -> None:
    def respond(request: web.Request) -> web.Response:
        first = int(request.query["p"]) * 8
        return web.json_response({"d": {"rows": RECORDS[first : first + 8]}})

    asked = read_api("{records_at: d.rows, paging: {style: page, parameter: p, first: 0}}", respond)
    assert delivered(warehouse) == ("received", IDS)
    assert [request.query["p"] for request in asked] == ["0", "1", "2", "3"]


@pytest.mark.parametrize("form", ['<{url}>; rel="next"', "<{url}>; rel=next", '</v1/x>; rel="prev", <{url}>; rel="last next"', '<{url}>;title="a, <b>";rel="next"'])  # fmt: skip
def test_pages_by_link_header(warehouse: Connection, read_api: Try, form: str) -> None:
    def respond(request: web.Request) -> web.Response:
        page = int(request.query.get("page", "1"))
        more = page * 10 < len(RECORDS)
        header = {"Link": form.format(url=f"{request.path}?page={page + 1}")} if more else {}
        return web.json_response(RECORDS[page * 10 - 10 : page * 10], headers=header)

    read_api("{paging: {style: link, size_parameter: per_page, size: 10}}", respond)
    assert delivered(warehouse) == ("received", IDS)


def test_a_question_by_post_in_the_manner_of_graphql(warehouse: Connection, read_api: Try) -> None:
    bodies: list[dict[str, Any]] = []

    async def respond(request: web.Request) -> web.Response:
        asked = await request.json()
        bodies.append(asked["variables"])
        first = int(asked["variables"]["after"] or 0)
        following = first + asked["variables"]["first"]
        return web.json_response(
            {
                "data": {
                    "reports": {
                        "totalCount": len(RECORDS),
                        "edges": [{"node": entry} for entry in RECORDS[first:following]],
                        "pageInfo": {"endCursor": str(following) if following < len(RECORDS) else None},
                    }
                }
            }
        )

    read_api(
        "{method: POST, body: {query: 'query q($since: Date) {x}', variables: {since: '{since}', until: '{until}', first: '{size}', after: '{cursor}'}},"
        " records_at: data.reports.edges, record_at: node, total_at: data.reports.totalCount, error_at: errors,"
        " paging: {style: cursor, size: 9, next_at: data.reports.pageInfo.endCursor}, window: {since_parameter: since, format: iso}}",
        respond,
    )
    assert delivered(warehouse) == ("received", IDS)
    assert [body["after"] for body in bodies] == [None, "9", "18"]
    assert bodies[0] == {"since": None, "until": "2021-06-29T00:00:00+07:00", "first": 9, "after": None}
    assert fact(warehouse, "stated_total") == 23


def test_a_cursor_that_is_a_number_stays_one_in_a_question_by_post(
    warehouse: Connection, read_api: Try, tmp_path: Path
) -> None:
    cursors: list[Any] = []

    async def respond(request: web.Request) -> web.Response:
        cursor = (await request.json())["after"]
        cursors.append(cursor)
        if len(cursors) == 3:
            return web.Response(status=500)
        first = cursor or 0
        assert isinstance(first, int)
        return web.json_response(
            {"rows": RECORDS[first : first + 5], "next": first + 5 if first + 5 < len(RECORDS) else None}
        )

    rest = "{method: POST, body: {after: '{cursor}'}, records_at: rows, paging: {style: cursor, next_at: next}}"
    read_api(rest, respond, LAPOR_EXTRACT_ATTEMPTS="1")
    assert delivered(warehouse) == ("received", IDS)
    assert cursors == [None, 5, 10, 10, 15, 20]


@pytest.mark.parametrize(
    ("written", "since", "until"),
    [
        ("iso", "2021-06-28T23:00:00+07:00", "2021-06-30T00:00:00+07:00"),
        ("unix", "1624896000", "1624986000"),
        ("%d/%m/%Y %H.%M", "28/06/2021 23.00", "30/06/2021 00.00"),
    ],
)
def test_the_window_is_asked_for_as_the_source_writes_times(
    warehouse: Connection, environment: Change, tmp_path: Path, write_profile: Any, written: str, since: str, until: str
) -> None:
    write_profile(
        "probe",
        FIELDS
        + f"rest: {{query: {{all: '1'}}, headers: {{X-Kind: open}}, window: {{since_parameter: s, until_parameter: u, format: '{written}'}}}}\n",
    )

    async def respond(request: web.Request) -> web.Response:
        return web.json_response(RECORDS[:1])

    registry = registry_of(tmp_path / "registry", ["A,complaints,rest,probe,probe,x,nightly"])
    with serving(respond) as served:
        environment(LAPOR_CONNECTION_PROBE=served.base())
        for night in (NIGHT, NEXT):
            run_night(registry, night)
    assert "s" not in served.asked[0].query
    assert dict(served.asked[1].query) == {"all": "1", "s": since, "u": until}
    assert served.asked[1].headers["X-Kind"] == "open"


# -- who asks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("auth", "credential", "proof"),
    [
        ("{style: bearer}", "t0k3n", lambda request: request.headers.get("Authorization") == "Bearer t0k3n"),
        ("{style: api_key, header: X-Api-Key}", "k3y", lambda request: request.headers.get("X-Api-Key") == "k3y"),
        ("{style: api_key, query: kunci}", "k&y", lambda request: request.query.get("kunci") == "k&y"),
        ("{style: basic}", "user:wörd", lambda request: request.headers.get("Authorization") == "Basic " + base64.b64encode("user:wörd".encode()).decode()),
    ],
    ids=["bearer", "api key in a header", "api key in the query", "basic"],
)  # fmt: skip
def test_a_credential_is_shown_as_the_profile_says(
    warehouse: Connection, read_api: Try, auth: str, credential: str, proof: Any
) -> None:
    def respond(request: web.Request) -> web.Response:
        return web.json_response(RECORDS) if proof(request) else web.Response(status=401)

    read_api("{}", respond, more=f"auth: {auth}\n", LAPOR_CREDENTIAL_PROBE=credential)
    assert delivered(warehouse) == ("received", IDS)
    assert credential not in str(query(warehouse, "select * from ops.deliveries"))


def test_a_connection_without_its_credential_says_which_is_missing(warehouse: Connection, read_api: Try) -> None:
    assert read_api("{}", lambda request: web.json_response([]), more="auth: {style: bearer}\n") == []
    assert fact(warehouse, "reason") == "no credential for connection probe. Set LAPOR_CREDENTIAL_PROBE."


class TokenServer:
    """OAuth2 client credentials: a token is good for some answers, then refused; or runs out by its own word."""

    def __init__(self, *, good_for: int, expires_in: Any = 3600) -> None:
        self.good_for, self.expires_in = good_for, expires_in
        self.issued = self.used = 0
        self.forms: list[dict[str, list[str]]] = []

    async def __call__(self, request: web.Request) -> web.Response:
        if request.path == "/oauth/token":
            assert request.headers["Authorization"] == "Basic " + base64.b64encode(b"id:secret").decode()
            self.forms.append(parse_qs(await request.text()))
            self.issued, self.used = self.issued + 1, 0
            return web.json_response({"access_token": f"token{self.issued}", "expires_in": self.expires_in})
        self.used += 1
        if request.headers.get("Authorization") != f"Bearer token{self.issued}" or self.used > self.good_for:
            return web.Response(status=401)
        first = int(request.query["offset"])
        return web.json_response(RECORDS[first : first + 5])


OAUTH = "auth: {style: oauth2, token_path: /oauth/token, scope: baca}\n"
BY_OFFSET = "{paging: {style: offset, parameter: offset}}"


def test_a_token_is_had_once_and_used_for_all_pages(warehouse: Connection, read_api: Try) -> None:
    server = TokenServer(good_for=100)
    read_api(BY_OFFSET, server, more=OAUTH, LAPOR_CREDENTIAL_PROBE="id:secret")
    assert delivered(warehouse) == ("received", IDS)
    assert server.forms == [{"grant_type": ["client_credentials"], "scope": ["baca"]}]


def test_a_token_that_runs_out_is_renewed_before_it_does(warehouse: Connection, read_api: Try) -> None:
    server = TokenServer(good_for=100, expires_in=0)
    read_api(BY_OFFSET, server, more=OAUTH, LAPOR_CREDENTIAL_PROBE="id:secret")
    assert delivered(warehouse) == ("received", IDS)
    assert server.issued >= 1


def test_a_token_that_is_refused_before_its_time_is_replaced_by_a_new_one(warehouse: Connection, read_api: Try) -> None:
    server = TokenServer(good_for=2)
    read_api(BY_OFFSET, server, more=OAUTH, LAPOR_CREDENTIAL_PROBE="id:secret")
    assert delivered(warehouse) == ("received", IDS)
    assert server.issued == 3


def test_a_new_token_that_is_refused_too_ends_the_delivery(warehouse: Connection, read_api: Try) -> None:
    server = TokenServer(good_for=0)
    read_api(BY_OFFSET, server, more=OAUTH, LAPOR_CREDENTIAL_PROBE="id:secret")
    assert fact(warehouse, "reason").startswith("answered 401")
    assert server.issued == 2


@pytest.mark.parametrize(
    "answer",
    [
        "{}",
        "[]",
        '"x"',
        "nein",
        '{"access_token": "x", "expires_in": "soon"}',
        '{"access_token": "x", "expires_in": null}',
        '{"access_token": null}',
        '{"access_token": ""}',
        '{"access_token": "x\\r\\nHost: y"}',
    ],
)
def test_an_endpoint_without_a_token_is_named(warehouse: Connection, read_api: Try, answer: str) -> None:
    read_api("{}", lambda request: web.Response(text=answer), more=OAUTH, LAPOR_CREDENTIAL_PROBE="id:secret")
    assert "gave no access_token. Check token_path in the profile." in fact(warehouse, "reason")


# -- event logs --------------------------------------------------------------------------------------------------------

EVENTS = [(1, "MASUK", "2021-06-01"), (2, "SELESAI_MANUAL", "2021-06-02")]
LOGGED = "select event_seq, event_type, (occurred_at at time zone 'Asia/Jakarta')::date::text from raw.complaint_events order by tracking_id, event_seq"


def event(number: int, what: str, at: str, **more: Any) -> dict[str, Any]:
    return {"no": number, "what": what, "at": f"{at}T10:00:00+07:00", **more}


LOG = [event(1, "in", "2021-06-01"), event(2, "out", "2021-06-02")]


@pytest.mark.parametrize("as_text", [False, True])
def test_the_log_is_a_list_in_the_record(warehouse: Connection, read_api: Try, as_text: bool) -> None:
    log = json.dumps(LOG) if as_text else LOG
    read_api("{}", lambda request: web.json_response([record(1, log=log)]), more=f"events:\n  list: log{EVENT_FIELDS}")
    assert query(warehouse, LOGGED) == EVENTS
    assert query(warehouse, "select (completed_at at time zone 'Asia/Jakarta')::date::text from raw.complaints") == [
        ("2021-06-02",)
    ]


def test_the_log_is_parallel_lists_in_the_record(warehouse: Connection, read_api: Try) -> None:
    log = {name: [entry[name] for entry in LOG] for name in ("no", "what", "at")}
    more = f'events:\n  parallel: {{"no": log.no, what: log.what, at: log.at}}{EVENT_FIELDS}'
    read_api("{}", lambda request: web.json_response([record(1, log=log)]), more=more)
    assert query(warehouse, LOGGED) == EVENTS


def test_parallel_lists_of_different_length_lack_their_last_entries(warehouse: Connection, read_api: Try) -> None:
    log = {"no": [1, 2], "what": ["in", "out"], "at": [LOG[0]["at"]]}
    more = f'events:\n  parallel: {{"no": log.no, what: log.what, at: log.at}}{EVENT_FIELDS}'
    read_api("{}", lambda request: web.json_response([record(1, log=log)]), more=more)
    assert query(warehouse, "select event_seq, occurred_at is null from raw.complaint_events order by 1") == [
        (1, False),
        (2, True),
    ]


def test_the_log_stands_beside_the_records(warehouse: Connection, read_api: Try) -> None:
    entries = [event(1, "in", "2021-06-01", of="C-0001"), event(1, "in", "2021-06-01", of="C-0002"),
               event(2, "out", "2021-06-02", of="C-0001"), event(1, "in", "2021-06-03", of="C-0099"), "no event"]  # fmt: skip
    body = {"rows": [record(1), record(2)], "log": entries}
    more = f"events:\n  body_list: log\n  key_from: of\n  ignore: [of]{EVENT_FIELDS}"
    read_api("{records_at: rows}", lambda request: web.json_response(body), more=more)
    assert query(warehouse, "select tracking_id, event_seq from raw.complaint_events where tracking_id is not null order by 1, 2") == [
        ("C-0001", 1), ("C-0001", 2), ("C-0002", 1),
    ]  # fmt: skip
    orphans = query(warehouse, "select source_position, _problems from raw.complaints where tracking_id is null")
    assert orphans == [("page 1, events", ["row: an event of no record in its page"])] * 2
    assert fact(warehouse, "received_rows") == 4


def test_a_record_listed_twice_keeps_the_log_that_stands_beside(warehouse: Connection, read_api: Try) -> None:
    entries = [event(1, "in", "2021-06-01", of="C-0001"), event(2, "out", "2021-06-02", of="C-0001")]
    nameless = [event(1, "in", "2021-06-03", of=None), event(1, "in", "2021-06-04", of=None)]
    closed = record(1, state="done")
    body = {"rows": [closed, closed, record(2) | {"id": None}, record(3) | {"id": None}], "log": entries + nameless}
    more = f"events:\n  body_list: log\n  key_from: of\n  ignore: [of]{EVENT_FIELDS}"
    read_api("{records_at: rows}", lambda request: web.json_response(body), more=more)
    kept = query(warehouse, "select completed_at::date::text from raw.complaints where tracking_id = 'C-0001'")
    assert kept == [("2021-06-02",)]
    assert query(warehouse, "select event_seq from raw.complaint_events where tracking_id = 'C-0001' order by 1") == [
        (1,),
        (2,),
    ]
    # Of those without a number nobody can say whose they are: each stands in raw once.
    assert query(warehouse, "select count(*) from raw.complaint_events where tracking_id is null") == [(2,)]


@pytest.mark.parametrize("style", ["page", "offset"])
def test_rows_that_leave_while_pages_are_read_make_none_be_missed(
    warehouse: Connection, read_api: Try, style: str
) -> None:
    """Pages of five. Behind the first, its first two records change: they belong to the next night and leave this one."""
    asked: list[str] = []

    def respond(request: web.Request) -> web.Response:
        there = RECORDS[2:] if asked else RECORDS
        asked.append(request.query["p"])
        first = (int(asked[-1]) - 1) * 5 if style == "page" else int(asked[-1])
        return web.json_response({"total": len(there), "rows": there[first : first + 5]})

    read_api(f"{{records_at: rows, total_at: total, paging: {{style: {style}, parameter: p, size: 5}}}}", respond)
    assert delivered(warehouse) == ("received", IDS)
    # Some rows came twice, so the stated total says nothing about what was read.
    assert fact(warehouse, "stated_total") is None
    assert asked[:4] == (["1", "2", "1", "2"] if style == "page" else ["0", "5", "3", "8"])
