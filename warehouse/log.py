"""What a command says while it works: a line for people, or a JSON line for a program that collects them.

LAPOR_LOG_FORMAT=json makes every such line an object: at, level, command, message, and of night, agency, resource,
shard and run (of Airflow) what is known. Words and facts are the same in both, chosen by us: names of agencies and
rules, counts, paths; no value of a row. What somebody asked for (a table, a connection string) is printed as it is.
"""

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TextIO

from warehouse.settings import settings

FRAMES = 5
_context: dict[str, Any] = {}


def begin(command: str, **facts: Any) -> None:
    """Say once per command what every line of it is about; facts that are None or empty are left out.

    With JSON, what libraries warn of and what ends the process unforeseen becomes such a line too.
    """
    _context.clear()
    _context.update(_known({"command": command, **facts, "run": settings().run_id}))
    if settings().log_format == "json":
        logging.basicConfig(handlers=[_Others()], level=logging.WARNING, force=True)
        logging.captureWarnings(capture=True)
        sys.excepthook = _unforeseen


def say(words: str, **facts: Any) -> None:
    """Tell what was done."""
    _write(sys.stdout, "info", words, facts)


def complain(words: str, **facts: Any) -> None:
    """Tell what could not be done."""
    _write(sys.stderr, "error", words, facts)


def described(error: BaseException) -> dict[str, Any]:
    """What failed and where in the code; not its message, which may quote what someone wrote."""
    frames = traceback.extract_tb(error.__traceback__)
    return {"error": type(error).__name__, "where": [f"{frame.filename}:{frame.lineno}" for frame in frames[-FRAMES:]]}


def json_line(**facts: Any) -> str:
    """Facts as one line of JSON that begins with the moment."""
    return json.dumps({"at": datetime.now(UTC).isoformat(timespec="milliseconds"), **facts}, default=str)


def _write(stream: TextIO, level: str, words: str, facts: dict[str, Any]) -> None:
    if settings().log_format == "json":
        words = json_line(level=level, message=words, **{**_context, **_known(facts)})
    print(words, file=stream, flush=True)


def _known(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if value not in (None, "", [], ())}


class _Others(logging.Handler):
    """Writes what libraries log."""

    def emit(self, record: logging.LogRecord) -> None:
        failure = described(record.exc_info[1]) if record.exc_info and record.exc_info[1] else {}
        _write(sys.stderr, record.levelname.lower(), record.getMessage(), {"logger": record.name, **failure})


def _unforeseen(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        complain(f"{kind.__name__}: ended unforeseen", **described(error))
