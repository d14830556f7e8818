"""The doctor: everything that a night, a report or a reader needs, looked at; what is wrong; what mends it. One screen.

`python -m warehouse status` looks at this machine, the warehouse and, where LAPOR_PORTAL_URL is set, the portal. It
takes what others found as JSON lines (--with), which is how `make status` adds Airflow. It works when PostgreSQL is
down, changes nothing, and asks everything with a time limit.
"""

import base64
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import textwrap
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit

import psycopg2
from cryptography import x509
from pydantic import SecretStr, ValidationError

from warehouse import backup, nights, server
from warehouse.connection import connect
from warehouse.findings import STATES, Line, State, StatusSettings, clock, size_in_words
from warehouse.inspection import inspect
from warehouse.settings import REPOSITORY, settings

CONNECT_SECONDS, STATEMENT_SECONDS, ANSWER_SECONDS = 5, 10, 5
REPORTS_SECONDS = 60
FILES_COUNTED = 100_000
NAME_WIDTH, LINE_WIDTH = 22, 118


def look(now: datetime | None = None) -> list[Line]:
    """Every line about this machine, the warehouse and the portal, whatever is broken."""
    now = now or datetime.now(UTC)
    try:
        rules = StatusSettings()
    except ValidationError as error:
        return [Line("settings", "broken", f"LAPOR_STATUS_*: {error.errors()[0]['msg']}", "mend it; see .env.example")]
    warehouse, published = _warehouse(rules, now)
    checks: list[tuple[str, Callable[[], Iterable[Line]]]] = [
        ("disk", lambda: _disk(rules)),
        ("keys", _keys),
        ("landing", lambda: _landing(published)),
        ("backup", lambda: _backup(now)),
        ("alert", _alert),
        ("certificate", lambda: _certificates(rules, now)),
        ("portal", lambda: _portal(rules)),
        ("reports", lambda: _reports(published)),
    ]
    lines = warehouse
    for name, check in checks:
        try:
            lines += check()
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            lines.append(Line(name, "broken", f"cannot be looked at: {error}", "see docs/runbook.md"))
    return lines


def read_lines(text: str) -> list[Line]:
    """What others found, a JSON object a line: name, state, seen, todo. Raises ValueError for anything else."""
    lines = []
    for number, written in enumerate(filter(None, map(str.strip, text.splitlines())), 1):
        try:
            entry = json.loads(written)
            line = Line(str(entry["name"]), entry["state"], str(entry["seen"]), str(entry.get("todo", "")))
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"line {number} is no finding: {written[:100]}") from error
        if line.state not in STATES:
            raise ValueError(f"line {number}: the state {line.state!r} is none of {', '.join(STATES)}")
        lines.append(line)
    return lines


def exit_code(lines: list[Line]) -> int:
    """0 when all is well, 1 with a warning, 2 with something broken."""
    return max((STATES.index(line.state) for line in lines), default=0)


def render(lines: list[Line]) -> str:
    """The screen: a line for each thing, under what is not well what to do, and the sum."""
    told = []
    for line in lines:
        mark = {"ok": "ok", "warning": "WARNING", "broken": "BROKEN"}[line.state]
        head = f"{line.name:<{NAME_WIDTH}} {mark:<8} "
        told += textwrap.wrap(line.seen, LINE_WIDTH, initial_indent=head, subsequent_indent=" " * len(head)) or [head]
        if line.state != "ok" and line.todo:
            told.append(f"{'':<{NAME_WIDTH}}          do: {line.todo}")
    counts = {state: sum(line.state == state for line in lines) for state in STATES}
    told.append(f"{counts['broken']} broken, {counts['warning']} with a warning, {counts['ok']} ok   (docs/runbook.md)")
    return "\n".join(told)


def _warehouse(rules: StatusSettings, now: datetime) -> tuple[list[Line], date | None]:
    """What the database tells, and the newest published night."""
    os.environ["PGCONNECT_TIMEOUT"] = str(CONNECT_SECONDS)
    is_own = settings().warehouse_dsn is not None
    start = "start your server (WAREHOUSE_DSN)" if is_own else "python -m warehouse up"
    try:
        connection = connect("owner", "lapor/status")
    except (server.WarehouseNotRunning, psycopg2.OperationalError) as error:
        return [Line("warehouse", "broken", str(error).strip().splitlines()[0], start)], None
    with closing(connection):
        connection.set_session(readonly=True, autocommit=True)
        with connection.cursor() as cursor:
            cursor.execute("select set_config('statement_timeout', %s, false)", [f"{STATEMENT_SECONDS}s"])
            lines = list(inspect(cursor, rules, now))
            return lines, nights.last_published(cursor)


def _disk(rules: StatusSettings) -> Iterator[Line]:
    folder = settings().state_dir
    while not folder.exists():
        folder = folder.parent
    usage = shutil.disk_usage(folder)
    percent = 100 * usage.free / usage.total
    seen = f"{size_in_words(usage.free)} free under {folder} ({percent:.0f} %)"
    if percent < rules.disk_free_percent:
        state: State = "broken" if percent < rules.disk_free_percent / 3 else "warning"
        yield Line("disk", state, seen, "python -m extract prune --keep-nights N; see docs/runbook.md, Full disk")
    else:
        yield Line("disk", "ok", seen)


def _keys() -> Iterator[Line]:
    wrong = []
    for name, key in (("LAPOR_LANDING_KEY", settings().landing_key), ("LAPOR_IDENTITY_KEY", settings().identity_key)):
        if key is None or not key.get_secret_value():
            wrong.append(f"{name} is not set")
        elif not _is_key(key):
            wrong.append(f"{name} is no base64 of 32 bytes")
    if wrong:
        todo = f"set -a; . {settings().state_dir / 'env'}; set +a   (or bring them from where they are kept)"
        yield Line("keys", "broken", f"{'; '.join(wrong)}: nothing can be fetched or read again", todo)
    else:
        yield Line("keys", "ok", f"landing key {settings().landing_key_id} and identity key are set")


def _is_key(key: SecretStr) -> bool:
    try:
        return len(base64.b64decode(key.get_secret_value(), validate=True)) == 32
    except ValueError:
        return False


def _landing(published: date | None) -> Iterator[Line]:
    """Size and age of the sealed originals; that those of the last published night are there at all."""
    place = settings().landing
    if "://" in place and not place.startswith("file://"):
        yield Line("landing", "ok", f"at {urlsplit(place).scheme}://{urlsplit(place).netloc}, not measured from here")
        return
    folder = Path(place.removeprefix("file://"))
    found = sorted(entry.name for entry in folder.iterdir() if entry.is_dir()) if folder.exists() else []
    if not found:
        if published is None:
            yield Line("landing", "ok", f"no originals yet in {folder}")
        else:
            yield Line("landing", "broken", f"no originals in {folder}", "bring the folder back from its copy")
        return
    size, count = 0, 0
    for parent, _, files in os.walk(folder):
        size += sum((Path(parent) / file).stat().st_size for file in files)
        count += len(files)
        if count > FILES_COUNTED:
            break
    more = "at least " if count > FILES_COUNTED else ""
    seen = f"{more}{size_in_words(size)} in {count:,} files of {len(found):,} nights, {found[0]} to {found[-1]}"
    if published is not None and str(published) not in found:
        yield Line("landing", "broken", f"{seen}; those of {published} are missing", "bring them back from the copy")
    else:
        yield Line("landing", "ok", seen)


def _backup(now: datetime) -> Iterator[Line]:
    """Age of the embedded server's newest backup; whether it is whole is asked by `backup --check`, each day."""
    if settings().warehouse_dsn is not None:
        return  # backed up by those who run it
    folder = settings().backups
    todo = "python -m warehouse backup --incremental   (docs/recovery.md, Backups)"
    last = backup.newest(folder)
    if last is None:
        seen = f"there is none in {folder}: with the disk the gate's decisions and what was issued are lost"
        yield Line("backup", "warning", seen, todo)
        return
    hours = (now - last.usable_from).total_seconds() / 3600
    seen = f"{last.path.name}, {hours:.1f} h old"
    yield Line("backup", "warning" if hours > backup.MAX_AGE_HOURS else "ok", seen, todo)


def _alert() -> Iterator[Line]:
    """What became of the last alert that was sent (quality.sending keeps it)."""
    files = sorted((settings().state_dir / "alerts").glob("*.json"))
    if not files:
        yield Line("alert", "ok", "none was sent yet")
        return
    kept: dict[str, Any] = json.loads(files[-1].read_text())
    night = files[-1].stem
    if kept.get("failed"):
        words = "; ".join(f"{name}: {why}" for name, why in kept["failed"].items())
        todo = f"mend the channel (LAPOR_ALERT_*), then: python -m quality.sending --night {night}"
        yield Line("alert", "warning", f"that of {night} was not delivered: {words}", todo)
    elif kept.get("sent"):
        yield Line("alert", "ok", f"that of {night} was sent by {' and '.join(sorted(kept['sent']))}")
    else:
        todo = "set LAPOR_ALERT_WEBHOOK_URL or LAPOR_ALERT_SMTP_HOST"
        yield Line("alert", "warning", f"that of {night} ({kept.get('level')}) was sent to nobody", todo)


def _certificates(rules: StatusSettings, now: datetime) -> Iterator[Line]:
    """When what we present or trust expires: the portal's certificate, the private authority of sources."""
    authority = settings().extract_ca_file
    if authority is not None:
        for certificate in x509.load_pem_x509_certificates(authority.read_bytes()):
            yield _expiry(f"authority {authority.name}", certificate, rules, now, "ask its owner for the next one")
    address = urlsplit(rules.portal_url or "")
    if address.scheme == "https" and address.hostname:
        place = (address.hostname, address.port or 443)
        try:
            with (
                socket.create_connection(place, ANSWER_SECONDS) as plain,
                _whoever().wrap_socket(plain, server_hostname=address.hostname) as secured,
            ):
                presented = secured.getpeercert(binary_form=True)
        except OSError as error:
            yield Line("certificate portal", "broken", f"{address.netloc}: {error}", "look at the proxy before it")
            return
        assert presented is not None
        yield _expiry(
            "certificate portal", x509.load_der_x509_certificate(presented), rules, now, "renew it at the proxy"
        )


def _whoever() -> ssl.SSLContext:
    """TLS with whatever certificate: whether it is trusted is the browser's question, here it is when it ends."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _expiry(name: str, certificate: x509.Certificate, rules: StatusSettings, now: datetime, todo: str) -> Line:
    ends = certificate.not_valid_after_utc
    if ends < now:
        return Line(name, "broken", f"expired on {clock(ends)}", todo)
    if ends < now + timedelta(days=rules.expiry_days):
        return Line(name, "warning", f"expires on {clock(ends)}", todo)
    return Line(name, "ok", f"valid until {clock(ends)}")


def _portal(rules: StatusSettings) -> Iterator[Line]:
    if rules.portal_url is None:
        return
    address = f"{rules.portal_url.rstrip('/')}/sehat"
    try:
        with urllib.request.urlopen(address, timeout=ANSWER_SECONDS, context=_whoever()) as answer:  # noqa: S310
            yield Line("portal", "ok", f"{rules.portal_url} answers {answer.status}")
    except (URLError, OSError) as error:
        words = "it cannot reach the warehouse" if getattr(error, "code", 0) == 503 else str(error)
        yield Line("portal", "broken", f"{address}: {words}", "its log: portal | ... in make up, or .state/portal.log")


def _reports(published: date | None) -> Iterator[Line]:
    """What is due and not issued, asked as a person would: which periods are due is the reports' own knowledge."""
    if published is None:
        return
    command = ["reports", "due", "--night", str(published)]
    asked = subprocess.run(
        [sys.executable, "-m", *command, "--list"], cwd=REPOSITORY, capture_output=True, text=True, check=False,
        timeout=REPORTS_SECONDS, env={**os.environ, "LAPOR_LOG_FORMAT": "text"},
    )  # fmt: skip
    todo = f"python -m {' '.join(command)}"
    if asked.returncode:
        # Of a traceback the error itself, not the piece of SQL that PostgreSQL points at.
        said = [
            line for line in asked.stderr.splitlines() if line.strip() and line[0] not in " \t" and line[:4] != "LINE"
        ]
        words = said[-1] if said else f"exit code {asked.returncode}"
        yield Line("reports", "broken", words[:300], todo)
    elif due := asked.stdout.split("\n")[:-1]:
        yield Line("reports", "warning", f"due after {published} and not issued: {'; '.join(due)}", todo)
    else:
        yield Line("reports", "ok", f"everything that is due after {published} is issued")


def main(*, beside: str | None = None, as_json: bool = False, night: date | None = None) -> int:
    """Print the screen and return its exit code; with a night only that night's figures in one line.

    beside: lines that others found (`read_lines`). Raises ValueError for a night that was never opened.
    """
    if night is not None:
        with closing(connect("owner", "lapor/status")) as connection, connection.cursor() as cursor:
            print(nights.figures(cursor, night))
        return 0
    lines = look() + (read_lines(beside) if beside else [])
    if as_json:
        print(json.dumps([{name: getattr(line, name) for name in ("name", "state", "seen", "todo")} for line in lines]))
    else:
        print(render(lines))
    return exit_code(lines)
