"""S3-compatible storage where agencies put their workbooks: moto's server behind a door that knows the fault plan."""

import itertools
import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from typing import Any
from urllib.parse import unquote

from simulator.connections import BUCKET, HOST, SECRETS
from simulator.faults import SLOW_SECONDS, FaultPlan

_servers = itertools.count(1)
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@contextmanager
def serve_s3(objects: Mapping[str, bytes], port: int, faults: FaultPlan) -> Iterator[int]:
    """Serve the objects in the bucket `lapor-drops` from a thread and yield the port.

    Only requests signed with the key id of `SECRETS` are let in (their signature is not checked).
    """
    # Half a second and twenty megabytes, only where a world has agencies that use it.
    import boto3  # type: ignore[import-untyped]
    from botocore.config import Config  # type: ignore[import-untyped]
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    key, _, secret = SECRETS["simulator_s3"].partition(":")
    stopped = threading.Event()
    bucket = f"{BUCKET}-{next(_servers)}"
    door = _door(DomainDispatcherApplication(create_backend_app), bucket, faults, key, stopped)
    server = ThreadedWSGIServer(HOST, port, door, _quiet(WSGIRequestHandler))
    # Requests that hang on purpose are not waited for.
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name="simulator-s3", daemon=True)
    thread.start()
    try:
        client = boto3.client(
            "s3",
            endpoint_url=f"http://{HOST}:{server.port}",
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            region_name="us-east-1",
            config=Config(s3={"addressing_style": "path"}),
        )
        client.create_bucket(Bucket=BUCKET)
        for name, content in objects.items():
            client.put_object(Bucket=BUCKET, Key=name, Body=content)
        client.close()
        yield server.port
    finally:
        stopped.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _door(inside: Wsgi, bucket: str, faults: FaultPlan, key: str, stopped: threading.Event) -> Wsgi:
    """Lets requests in that know the key id, and breaks those for a broken agency and night.

    moto keeps its buckets in the process: inside, each server's has a name of its own.
    """

    def outside(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        fault = None if environ["REQUEST_METHOD"] == "PUT" else _fault(faults, environ["PATH_INFO"])
        if fault == "unauthorized" or f"Credential={key}/" not in environ.get("HTTP_AUTHORIZATION", ""):
            return _refuse(start_response, "403 Forbidden", "AccessDenied")
        match fault:
            case "error_500":
                return _refuse(start_response, "500 Internal Server Error", "InternalError")
            case "hang":
                stopped.wait()
            case "slow":
                stopped.wait(SLOW_SECONDS)
        _, _, rest = environ["PATH_INFO"].partition(f"/{BUCKET}")
        body = inside({**environ, "PATH_INFO": f"/{bucket}{rest}"}, start_response)
        return _drip(body, stopped) if fault == "drip" and environ["REQUEST_METHOD"] == "GET" else body

    return outside


def _drip(body: Iterable[bytes], stopped: threading.Event) -> Iterator[bytes]:
    for chunk in body:
        for byte in chunk:
            if stopped.wait(1):
                return
            yield bytes((byte,))


def _fault(faults: FaultPlan, path: str) -> str | None:
    """The fault of the night and agency that /lapor-drops/2021-06-30/KAB-11.02/laporan.xlsx belongs to."""
    parts = unquote(path).strip("/").split("/")
    if len(parts) < 3:
        return None
    try:
        return faults.on(parts[2], date.fromisoformat(parts[1]))
    except ValueError:
        return None


def _refuse(start_response: Callable[..., Any], status: str, code: str) -> list[bytes]:
    start_response(status, [("Content-Type", "application/xml")])
    return [f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code></Error>'.encode()]


def _quiet(base: type[Any]) -> type[Any]:
    class Quiet(base):  # type: ignore[misc] # a base chosen at run time
        def log_request(self, *_: object) -> None:
            """Say nothing: a night is thousands of requests."""

    return Quiet
