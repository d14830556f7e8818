"""The alert of a night reaches people through real servers of this machine, once, and is in nobody's way."""

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from quality.sending import alert_settings, compose, main, send
from tests.quality.test_alert import judged
from tests.quality.world import NIGHT, World
from warehouse.settings import settings

ARGUMENTS = ["--night", str(NIGHT)]


class Letters(socketserver.StreamRequestHandler):
    """As much of SMTP (RFC 5321) as a letter needs."""

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline().strip():
            match line[:4].upper():
                case b"EHLO":
                    self.wfile.write(b"250 here\r\n")
                case b"RCPT" if b"nobody" in line:
                    self.wfile.write(b"550 no such mailbox\r\n")
                case b"DATA":
                    self.wfile.write(b"354 go on\r\n")
                    letter = b""
                    while (part := self.rfile.readline()) != b".\r\n":
                        letter += part
                    self.server.got.append(letter)  # type: ignore[attr-defined]
                    self.wfile.write(b"250 taken\r\n")
                case b"QUIT":
                    self.wfile.write(b"221 bye\r\n")
                    return
                case b"STAR" | b"AUTH":
                    self.wfile.write(b"502 not here\r\n")
                case _:
                    self.wfile.write(b"250 well\r\n")


class Hook(BaseHTTPRequestHandler):
    """Keeps what is posted to it; the path /broken refuses."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path != "/broken":
            self.server.got.append(json.loads(body))  # type: ignore[attr-defined]
        self.send_response(500 if self.path == "/broken" else 204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


@contextmanager
def serving(server: Any) -> Iterator[tuple[int, list[Any]]]:
    """Port of a server that runs meanwhile, and what it got."""
    server.got = []
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield server.server_address[1], server.got
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def letters(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bytes]]:
    """Letters that a mail server got, to which alerts are sent."""
    with serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Letters)) as (port, got):
        for name, value in {
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(port),
            "SMTP_SECURITY": "none",
            "MAIL_FROM": "lapor@example.go.id",
            "MAIL_TO": "duty@example.go.id,second@example.go.id",
        }.items():
            monkeypatch.setenv(f"LAPOR_ALERT_{name}", value)
        yield got


@pytest.fixture
def posts(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """What a webhook got, to which alerts are sent."""
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Hook)) as (port, got):
        monkeypatch.setenv("LAPOR_ALERT_WEBHOOK_URL", f"http://127.0.0.1:{port}/secret-of-the-hook")
        yield got


@pytest.fixture(autouse=True)
def state(server: Path) -> Iterator[Path]:
    """A memory of its own for each test, and settings read anew."""
    folder = server / "alerts"
    alert_settings.cache_clear()
    yield folder
    alert_settings.cache_clear()
    for file in folder.glob("*"):
        file.unlink()


def publish(world: World, seq: int = 1) -> None:
    world.run(
        "update ops.nights set changed_seq = %s, built_seq = %s, published_seq = %s, published_at = now()",
        [seq, seq, seq],
    )


def test_a_night_that_is_held_is_told_by_mail_and_webhook(
    world: World, letters: list[bytes], posts: list[dict[str, Any]]
) -> None:
    judged(world, NIGHT, {"night_coverage": 1}, verdict="held", suite="night")
    assert main(ARGUMENTS) == 0
    [letter], [post] = letters, posts
    mail = message_from_bytes(letter, policy=policy.default)
    assert mail["Subject"] == "[LAPOR] ACT 2021-06-30: is NOT PUBLISHED"
    assert mail["To"] == "duty@example.go.id, second@example.go.id"
    assert "make status" in mail.get_content()
    assert (post["night"], post["level"], post["is_published"]) == ("2021-06-30", "act", False)
    assert post["text"].splitlines() == mail.get_content().splitlines()


def test_the_same_words_are_sent_once_and_good_news_follows_bad(world: World, posts: list[dict[str, Any]]) -> None:
    judged(world, NIGHT, {})
    assert [main(ARGUMENTS), main(ARGUMENTS)] == [0, 0]
    assert [post["level"] for post in posts] == ["act"]  # judged and not published
    publish(world)
    assert [main(ARGUMENTS), main(ARGUMENTS)] == [0, 0]
    assert [post["level"] for post in posts] == ["act", "quiet"]


def test_a_quiet_night_rings_nobody_unless_asked_to(
    world: World, posts: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    judged(world, NIGHT, {})
    publish(world)
    assert main(ARGUMENTS) == 0
    assert posts == []
    monkeypatch.setenv("LAPOR_ALERT_LEVEL", "quiet")
    alert_settings.cache_clear()
    assert main(ARGUMENTS) == 0
    assert [post["level"] for post in posts] == ["quiet"]


def test_at_the_hour_of_publication_only_a_night_that_nobody_was_called_for_rings(
    world: World, posts: list[dict[str, Any]]
) -> None:
    judged(world, NIGHT, {})
    assert main([*ARGUMENTS, "--late"]) == 0
    assert len(posts) == 1
    assert main([*ARGUMENTS, "--late"]) == 0
    world.run("update quality.validation_run set verdict = 'error', detail = 'the rules have a fault'")
    assert "NOT EVALUATED" in compose(NIGHT).text  # other words: still nobody is called a second time
    assert main([*ARGUMENTS, "--late"]) == 0
    assert len(posts) == 1


def test_at_the_hour_of_publication_a_published_night_rings_nobody(world: World, posts: list[dict[str, Any]]) -> None:
    judged(world, NIGHT, {})
    publish(world)
    assert main([*ARGUMENTS, "--late"]) == 0
    assert posts == []


def test_a_night_that_was_never_opened_is_something_to_act_on(world: World, posts: list[dict[str, Any]]) -> None:
    judged(world, NIGHT - timedelta(days=1), {})
    assert main(ARGUMENTS) == 0
    assert [(post["level"], post["headline"]) for post in posts] == [("act", "is NOT PUBLISHED: it was never opened")]


def test_a_night_that_changed_after_it_was_published_is_not_published(world: World) -> None:
    judged(world, NIGHT, {})
    publish(world)
    assert compose(NIGHT).is_published
    world.run("update ops.nights set changed_seq = changed_seq + 1")
    assert compose(NIGHT).level == "act"


def test_a_warehouse_that_is_down_is_told_as_well(
    posts: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, state: Path
) -> None:
    monkeypatch.setenv("WAREHOUSE_DSN", "postgresql://lapor@127.0.0.1:1/lapor")
    settings.cache_clear()
    try:
        assert main(ARGUMENTS) == 0
    finally:
        monkeypatch.delenv("WAREHOUSE_DSN")
        settings.cache_clear()
    assert [post["headline"] for post in posts] == ["the warehouse does not answer"]


def test_one_channel_that_refuses_does_not_keep_the_other_from_telling(
    world: World, letters: list[bytes], posts: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], state: Path,
) -> None:  # fmt: skip
    monkeypatch.setenv("LAPOR_ALERT_MAIL_TO", "nobody@example.go.id")
    judged(world, NIGHT, {})
    assert main(ARGUMENTS) == 1
    assert (len(letters), len(posts)) == (0, 1)
    assert "mail: NOT SENT: SMTPRecipientsRefused" in capsys.readouterr().err
    assert "mail" in json.loads((state / f"{NIGHT}.json").read_text())["failed"]
    monkeypatch.setenv("LAPOR_ALERT_MAIL_TO", "duty@example.go.id")
    alert_settings.cache_clear()
    assert main(ARGUMENTS) == 0
    assert (len(letters), len(posts)) == (1, 1)  # the mail is made up for, the webhook not told again
    assert json.loads((state / f"{NIGHT}.json").read_text())["failed"] == {}


def test_a_mail_server_without_encryption_gets_nothing_unless_told_so(
    world: World, letters: list[bytes], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LAPOR_ALERT_SMTP_SECURITY", "starttls")
    judged(world, NIGHT, {})
    assert main(ARGUMENTS) == 1
    assert letters == []
    assert "SMTPNotSupportedError" in capsys.readouterr().err


def test_the_address_of_a_webhook_that_refuses_is_printed_nowhere(
    world: World, posts: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    port = alert_settings().webhook_url.get_secret_value().split(":")[2].split("/")[0]  # type: ignore[union-attr]
    monkeypatch.setenv("LAPOR_ALERT_WEBHOOK_URL", f"http://127.0.0.1:{port}/broken")
    alert_settings.cache_clear()
    judged(world, NIGHT, {})
    assert main(ARGUMENTS) == 1
    told = "".join(capsys.readouterr())
    assert "the webhook answered 500" in told
    assert "/broken" not in told


def test_without_a_channel_the_message_is_printed_and_nothing_fails(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    judged(world, NIGHT, {})
    assert send(compose(NIGHT)) == 0
    assert "nobody is told: set LAPOR_ALERT_WEBHOOK_URL" in capsys.readouterr().out


def test_half_a_mail_server_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAPOR_ALERT_SMTP_HOST", "127.0.0.1")
    with pytest.raises(ValueError, match="LAPOR_ALERT_MAIL_TO"):
        alert_settings()
