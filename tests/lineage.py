"""A real receiver of OpenLineage events, and what an event must have to be one."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID

Event = dict[str, Any]


@dataclass
class Receiver:
    """Answers at `url` with `answer` (of what it kept so far), and keeps what it is sent, in order."""

    answer: Callable[["Receiver"], int]
    url: str = ""
    events: list[Event] = field(default_factory=list)
    metrics: list[bytes] = field(default_factory=list)


@contextmanager
def receiver(answer: Callable[[Receiver], int] = lambda _: 201) -> Iterator[Receiver]:
    """A server on this machine that takes events as Marquez does, and metrics as a collector of OpenTelemetry does."""
    kept = Receiver(answer)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/api/v1/lineage":
                self.send_response(kept.answer(kept))
                kept.events.append(json.loads(body))
            else:
                assert self.path == "/v1/metrics"
                kept.metrics.append(body)
                self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    kept.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield kept
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def must_be_valid(event: Event) -> None:
    """What the specification of a run event asks for: a type, a moment with its zone, ids, names, and facets that say whose they are."""
    assert event["eventType"] in {"START", "RUNNING", "COMPLETE", "FAIL", "ABORT", "OTHER"}
    assert datetime.fromisoformat(event["eventTime"].replace("Z", "+00:00")).tzinfo is not None, event["eventTime"]
    assert re.search(r"^https://openlineage\.io/spec/.+#/\$defs/RunEvent$", event["schemaURL"])
    assert event["producer"].startswith("https://")
    UUID(event["run"]["runId"])
    places = [event["job"], *event.get("inputs", []), *event.get("outputs", [])]
    assert all(place["namespace"] and place["name"] for place in places)
    for holder in (event["run"], *places):
        for name, facet in (holder.get("facets") or {}).items():
            assert {"_producer", "_schemaURL"} <= facet.keys(), name


def names(datasets: list[Event]) -> set[str]:
    """Names of datasets without the database: raw.complaints."""
    return {dataset["name"].partition(".")[2] for dataset in datasets}
