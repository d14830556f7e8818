"""python -m quality.sending --night D [--late]: send the one alert of a night, by e-mail and by webhook.

What is sent is the alert that quality.alert composes, put before it whether the night is published: a night that is not
is always something to act on, also when the warehouse does not answer. A night is told of once: the same words are not
sent twice, and when a message was sent and the night has become quiet since, the good news follows. --late is for the
hour by which a night should be published: it sends nothing when the night is, or when somebody has been called already.

Exit codes: 0 sent, or nothing to send; 1 a channel refused, in the words printed. Settings: LAPOR_ALERT_*.
"""

import argparse
import hashlib
import json
import smtplib
import ssl
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import httpx
import psycopg2
from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from quality.alert import Level, compose_alert
from quality.errors import NotEvaluated
from warehouse.connection import connect
from warehouse.log import begin, complain, say
from warehouse.server import WarehouseNotRunning
from warehouse.settings import settings

LEVELS: tuple[Level, ...] = ("quiet", "look", "act")


class AlertSettings(BaseSettings):
    """Where alerts go: environment variables with the prefix `LAPOR_ALERT_`. ValueError if they contradict."""

    model_config = SettingsConfigDict(env_prefix="LAPOR_ALERT_", extra="ignore", frozen=True)

    level: Level = Field(default="look", description="The least that is sent: quiet (every night), look or act.")
    webhook_url: SecretStr | None = Field(default=None, description="Gets a POST of JSON with `text` and the parts.")
    smtp_host: str | None = Field(default=None, description="Mail server.")
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="none only for a server on this machine."
    )
    smtp_user: str | None = Field(default=None, description="Login there, if it wants one.")
    smtp_password: SecretStr | None = Field(default=None, description="Its password.")
    mail_from: str | None = Field(default=None, description="Sender's address.")
    mail_to: str | None = Field(default=None, description="Who is on duty: addresses with commas.")
    timeout_seconds: float = Field(default=20.0, gt=0, description="How long a channel may take.")

    @model_validator(mode="after")
    def check(self) -> "AlertSettings":
        """Refuse half a mail server."""
        if self.smtp_host and not (self.mail_from and self.mail_to):
            raise ValueError("LAPOR_ALERT_SMTP_HOST needs LAPOR_ALERT_MAIL_FROM and LAPOR_ALERT_MAIL_TO as well")
        return self


@lru_cache(maxsize=1)
def alert_settings() -> AlertSettings:
    """The process's alert settings, read once."""
    return AlertSettings()


@dataclass(frozen=True, slots=True)
class Message:
    """What is said of a night."""

    night: date
    level: Level
    headline: str
    lines: tuple[str, ...]
    is_published: bool

    @property
    def subject(self) -> str:
        """One line, the urgent word first."""
        return f"[LAPOR] {self.level.upper()} {self.night}: {self.headline}"

    @property
    def text(self) -> str:
        """Everything, as plain text."""
        return "\n".join([self.subject, *(f"- {line}" for line in self.lines)])

    @property
    def digest(self) -> str:
        """The same for the same words."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def compose(night: date) -> Message:
    """The message of a night as things stand. Never fails for what the warehouse lacks: it says so."""
    try:
        is_published, is_simulated = _ledger(night)
        alert = compose_alert(night)
    except NotEvaluated as error:
        return Message(night, "act", "is NOT PUBLISHED: it was never opened", (str(error),), is_published=False)
    except (WarehouseNotRunning, psycopg2.Error) as error:
        why = str(error).strip().splitlines()[0]
        return Message(night, "act", "the warehouse does not answer", (why, "See: make status"), is_published=False)
    stamp = ("Simulated data: nobody's real night.",) if is_simulated else ()
    if is_published:
        return Message(night, alert.level, alert.headline, (*alert.lines, *stamp), is_published=True)
    lines = (f"{alert.level.upper()}: {alert.headline}", *alert.lines, "What failed: make status", *stamp)
    return Message(night, "act", "is NOT PUBLISHED", lines, is_published=False)


def _ledger(night: date) -> tuple[bool, bool]:
    """Whether all of the night's rows and verdicts are published, and whether its registry is a simulated one."""
    with closing(connect("gate", "lapor/quality sending")) as connection, connection.cursor() as cursor:
        cursor.execute(
            "select published_at is not null and published_seq = changed_seq, is_simulated from ops.nights"
            " where night = %s",
            [night],
        )
        found = cursor.fetchone()
    return (bool(found[0]), bool(found[1])) if found else (False, False)


def send(message: Message, *, is_late: bool = False) -> int:
    """Send what has not been sent of the message through every channel that is set up; returns the exit code.

    What was sent and what failed is kept in <state>/alerts/<night>.json, which `make status` reads.
    """
    memory = settings().state_dir / "alerts" / f"{message.night}.json"
    kept: dict[str, Any] = json.loads(memory.read_text()) if memory.exists() else {}
    sent: dict[str, Any] = kept.get("sent", {})
    say(message.text)
    if is_late and (message.is_published or any(entry["level"] == "act" for entry in sent.values())):
        say("nothing is sent: the night is published" if message.is_published else "nothing is sent: it was before")
        return 0
    rules = alert_settings()
    if LEVELS.index(message.level) < LEVELS.index(rules.level) and not sent:
        say(f"nothing is sent: {message.level} is less than LAPOR_ALERT_LEVEL={rules.level}")
        return 0
    failed: dict[str, str] = {}
    for name, channel in _channels(rules).items():
        if sent.get(name, {}).get("digest") == message.digest:
            say(f"{name}: sent before")
            continue
        try:
            channel(message, rules)
        except (OSError, smtplib.SMTPException, httpx.HTTPError) as error:
            failed[name] = f"{type(error).__name__}: {error}"[:300]
            complain(f"{name}: NOT SENT: {failed[name]}")
            continue
        sent[name] = {"digest": message.digest, "level": message.level, "at": datetime.now(UTC).isoformat()}
        say(f"{name}: sent")
    if not _channels(rules):
        say("nobody is told: set LAPOR_ALERT_WEBHOOK_URL or LAPOR_ALERT_SMTP_HOST (.env.example)")
    _keep(memory, {"level": message.level, "headline": message.headline, "sent": sent, "failed": failed})
    return 1 if failed else 0


def _channels(rules: AlertSettings) -> dict[str, Callable[[Message, AlertSettings], None]]:
    known: dict[str, Callable[[Message, AlertSettings], None]] = {"mail": _mail, "webhook": _post}
    is_set_up = {"mail": rules.smtp_host, "webhook": rules.webhook_url}
    return {name: channel for name, channel in known.items() if is_set_up[name]}


def _mail(message: Message, rules: AlertSettings) -> None:
    """Plain text to everybody on duty in one message. Raises OSError or SMTPException."""
    assert rules.smtp_host is not None
    assert rules.mail_from is not None
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = message.subject, rules.mail_from, rules.mail_to
    mail["Date"], mail["Message-ID"] = formatdate(), make_msgid(domain=rules.mail_from.rpartition("@")[2])
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: so that nobody's absence note answers it
    mail.set_content(message.text)
    context = ssl.create_default_context()
    if rules.smtp_security == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            rules.smtp_host, rules.smtp_port, timeout=rules.timeout_seconds, context=context
        )
    else:
        server = smtplib.SMTP(rules.smtp_host, rules.smtp_port, timeout=rules.timeout_seconds)
    with server:
        if rules.smtp_security == "starttls":
            server.starttls(context=context)
        if rules.smtp_user:
            server.login(rules.smtp_user, rules.smtp_password.get_secret_value() if rules.smtp_password else "")
        refused = server.send_message(mail)
    if refused:
        raise smtplib.SMTPRecipientsRefused(refused)


def _post(message: Message, rules: AlertSettings) -> None:
    """JSON whose `text` chat programs show as it is. Raises httpx.HTTPError, also when the answer is no success."""
    assert rules.webhook_url is not None
    body = {
        "text": message.text,
        "night": str(message.night),
        "level": message.level,
        "headline": message.headline,
        "lines": list(message.lines),
        "is_published": message.is_published,
    }
    answer = httpx.post(rules.webhook_url.get_secret_value(), json=body, timeout=rules.timeout_seconds)
    if not answer.is_success:  # raise_for_status would print the address, which holds its own secret
        raise httpx.HTTPError(f"the webhook answered {answer.status_code}")


def _keep(memory: Path, content: dict[str, Any]) -> None:
    memory.parent.mkdir(parents=True, exist_ok=True)
    part = memory.with_suffix(".part")
    part.write_text(json.dumps(content))
    part.replace(memory)


def main(arguments: list[str] | None = None) -> int:
    """Compose and send; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m quality.sending", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--night", type=date.fromisoformat, required=True, help="business date, e.g. 2021-06-30")
    parser.add_argument("--late", action="store_true", help="only if the night is not published and nobody was called")
    options = parser.parse_args(arguments)
    begin("quality sending", night=options.night)
    return send(compose(options.night), is_late=options.late)


if __name__ == "__main__":
    sys.exit(main())
