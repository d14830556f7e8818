"""Who signs in, as whom, for how long, and how it ends; against a real provider, through the real flow."""

import base64
import json
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from reports.portal import sign_in
from reports.portal.readers import NotAReader, Reader, reader_from
from reports.portal.settings import PortalSettings, portal_settings
from reports.portal.sign_in import Ended, local_path
from tests.dbt_project.raw_world import BATAM
from tests.reports.portal.conftest import Nation, SignIn, come_back, csrf_of, leave, settings_of


def session_of(client: httpx.Client) -> dict[str, object]:
    """What the session cookie holds, as anybody can read it."""
    return json.loads(base64.b64decode(client.cookies["lapor"].rsplit(".", 2)[0]))


def test_nobody_is_sent_to_sign_in_and_back_to_what_was_asked_for(browser: SignIn) -> None:
    client = browser("")
    sent = client.get("/kamus?bahasa=en")
    assert sent.status_code == 303
    assert sent.headers["location"] == "/masuk?next=/kamus%3Fbahasa%3Den"
    back = come_back(client, "ksp", f"{sign_in.BEGIN}?next=/kamus%3Fbahasa%3Den")
    assert back.headers["location"] == "/kamus?bahasa=en"
    assert client.get("/kamus?bahasa=en").status_code == 200


def test_the_provider_is_asked_with_pkce_state_and_nonce(browser: SignIn) -> None:
    asked = parse_qs(urlsplit(browser("").get(sign_in.BEGIN).headers["location"]).query)
    assert asked["response_type"] == ["code"]
    assert asked["code_challenge_method"] == ["S256"]
    assert len(asked["code_challenge"][0]) == 43
    assert len(asked["state"][0]) == len(asked["nonce"][0]) == 43
    assert asked["redirect_uri"][0].endswith(sign_in.RETURN)


@pytest.mark.parametrize(
    ("name", "role", "agency_code"),
    [
        ("ombudsman", "ombudsman_reader", None),
        ("ksp", "ksp_reader", None),
        ("panrb", "panrb_analyst", None),
        ("batam", "agency_reader", BATAM),
    ],
)
def test_a_session_holds_role_agency_and_pseudonym_and_nothing_of_the_person(
    browser: SignIn, name: str, role: str, agency_code: str | None
) -> None:
    session = session_of(browser(name))
    assert set(session) == {"reader", "id", "csrf", "since", "seen"}
    assert session["reader"][:2] == [role, agency_code]  # type: ignore[index]
    assert name not in json.dumps([session["reader"][2], session["id"], session["csrf"]])  # type: ignore[index]


def test_who_has_no_role_is_refused_and_told_whom_to_ask(browser: SignIn) -> None:
    client = browser("")
    refused = come_back(client, "tamu")
    assert refused.status_code == 403
    assert "admin instansi" in refused.text
    assert client.get("/api/v1/marts").status_code == 401


def test_a_session_known_before_sign_in_is_worth_nothing_after(browser: SignIn) -> None:
    victim = browser("")
    begin = leave(victim, "ksp")
    planted = victim.cookies["lapor"]
    assert victim.get(begin).status_code == 303
    assert victim.cookies["lapor"] != planted
    with httpx.Client(base_url=victim.base_url, cookies={"lapor": planted}) as attacker:
        assert attacker.get("/api/v1/marts").status_code == 401
        # The code has been used: the planted cookie cannot use it again.
        assert attacker.get(begin).status_code in {400, 403}


def test_signing_in_again_ends_the_session_before(browser: SignIn) -> None:
    client = browser("ksp")
    first = client.cookies["lapor"]
    come_back(client, "panrb")
    with httpx.Client(base_url=client.base_url, cookies={"lapor": first}) as copy:
        assert copy.get("/api/v1/marts").status_code == 401
    assert session_of(client)["reader"][0] == "panrb_analyst"  # type: ignore[index]


def test_signing_out_ends_the_session_also_for_a_copy_of_its_cookie(browser: SignIn) -> None:
    client = browser("ksp")
    cookie = client.cookies["lapor"]
    assert client.get("/api/v1/marts").status_code == 200
    out = client.post("/keluar", data={"csrf_token": csrf_of(client)})
    assert (out.status_code, out.headers["location"]) == (303, "/masuk")
    assert client.get("/api/v1/marts").status_code == 401
    with httpx.Client(base_url=client.base_url, cookies={"lapor": cookie}) as copy:
        assert copy.get("/api/v1/marts").status_code == 401


@pytest.mark.parametrize(("age", "unused", "lives"), [(3600, 0, True), (8 * 3600 + 60, 0, False), (3600, 1860, False)])
def test_a_session_ends_when_unused_and_after_a_working_day(
    browser: SignIn, monkeypatch: pytest.MonkeyPatch, age: int, unused: int, lives: bool
) -> None:
    client = browser("ksp")
    signed = session_of(client)
    now = int(signed["since"])  # type: ignore[call-overload]
    request = FakeRequest({**signed, "since": now - age, "seen": now - unused})
    assert (sign_in.by_session(request) is not None) == lives  # type: ignore[arg-type]


class FakeRequest:
    """A request of which only the session matters."""

    def __init__(self, session: dict[str, object]) -> None:
        self.session = session


def test_an_answer_of_the_provider_counts_once_and_in_the_browser_that_asked(browser: SignIn) -> None:
    client, other = browser(""), browser("")
    back = leave(client, "ksp")
    other.get(sign_in.BEGIN)
    assert other.get(back).status_code == 400
    assert client.get(back).status_code == 303
    assert client.get(back).status_code == 400


def test_a_provider_that_refuses_begins_no_session(browser: SignIn) -> None:
    client = browser("")
    state = parse_qs(urlsplit(client.get(sign_in.BEGIN).headers["location"]).query)["state"][0]
    refused = client.get(f"{sign_in.RETURN}?error=access_denied&state={state}")
    assert refused.status_code == 403
    assert client.get("/api/v1/marts").status_code == 401


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({}, "belum mempunyai peran"),
        ({"lapor_role": "raja"}, "belum mempunyai peran"),
        ({"lapor_role": ["ksp", "panrb"]}, "lebih dari satu peran"),
        ({"lapor_role": "instansi"}, "tidak menyebut kode"),
        ({"lapor_role": "instansi", "lapor_agency": "KOTA-21.71' or true --"}, "tidak menyebut kode"),
        ({"lapor_role": "instansi", "lapor_agency": ["KOTA-21.71"]}, "tidak menyebut kode"),
    ],
)
def test_claims_that_describe_no_reader_are_refused(portal: str, claims: dict[str, object], words: str) -> None:
    with pytest.raises(NotAReader) as refused:
        reader_from({"iss": "i", "sub": "s", **claims}, portal_settings())
    indonesian, english = refused.value.why
    assert words in indonesian
    assert english.startswith("This a")


def test_a_role_among_other_groups_is_taken_and_an_agency_is_for_its_readers_alone(portal: str) -> None:
    found = reader_from(
        {"iss": "i", "sub": "s", "lapor_role": ["staf", "ksp"], "lapor_agency": BATAM}, portal_settings()
    )
    assert found == Reader("ksp_reader", None, "Kantor Staf Presiden", found.subject)


def test_pseudonyms_tell_people_apart_and_not_who_they_are(portal: str) -> None:
    def subject(issuer: str, sub: str) -> str:
        return reader_from({"iss": issuer, "sub": sub, "lapor_role": "ksp"}, portal_settings()).subject

    assert subject("i", "s") == subject("i", "s")
    assert len({subject("i", "s"), subject("i", "t"), subject("j", "s")}) == 3
    with settings_of(key="another key of the tests, as long as that"):
        elsewhere = subject("i", "s")
    assert elsewhere != subject("i", "s")


@pytest.mark.parametrize(
    "text",
    ["https://jahat.example/", "//jahat.example", "/\\jahat.example", "\\\\jahat", "javascript:alert(1)", "/a\r\nSet-Cookie: x=1",
     "/\t/jahat.example", "masuk", "", None, "/masuk/kembali", "/" + "a" * 2000, "http:///jahat.example", "/\u2028"],
)  # fmt: skip
def test_a_place_to_go_on_to_is_a_path_of_this_portal_or_the_front_page(text: str | None) -> None:
    assert local_path(text) == "/"


@pytest.mark.parametrize("text", ["/", "/instansi?urut=nama&halaman=2", "/provinsi/21", "/a//b"])
def test_a_path_of_this_portal_is_gone_on_to(text: str) -> None:
    assert local_path(text) == text


def test_sessions_signed_out_of_are_forgotten_when_they_would_have_ended_anyway(
    portal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, now = Ended(), 1000.0
    monkeypatch.setattr(sign_in.time, "time", lambda: now)
    gone.add("one")
    assert "one" in gone
    now += portal_settings().session_seconds + 1
    gone.add("two")
    assert "one" not in gone
    assert "two" in gone


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"url": "https://lapor.example", "key": None}, "LAPOR_PORTAL_KEY is missing"),
        ({"key": "short"}, "at least 32"),
        ({"api_audience": "lapor-portal"}, "LAPOR_PORTAL_API_AUDIENCE must differ"),
        ({"url": "http://lapor.example/portal"}, "without a path"),
        ({"algorithms": ("HS256",)}, "algorithms"),
        ({"algorithms": ()}, "algorithms"),
    ],
)
def test_settings_that_undo_a_protection_are_refused(values: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        PortalSettings(**values)  # type: ignore[arg-type]


def test_the_login_of_the_portal_reads_nothing_as_itself(nation: Nation, portal: str) -> None:
    refused = nation.value(
        "select has_table_privilege('portal', 'marts.rpt_national_performance_monthly', 'select')"
        " or has_schema_privilege('portal', 'restricted', 'usage') or has_table_privilege('portal', 'library.issues', 'select')"
    )
    assert refused is False
