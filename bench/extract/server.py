"""python -m bench.extract.server WORK ROWS: the pretend agencies' API, in a process of its own, at next to no cost.

Pages are made before the first request; after that a request is a look-up and a write, so that what is measured is the
client. GET /laporan/CODE?halaman=N answers page N. Prints its port when it is ready and ends when its input does.
"""

import asyncio
import random
import re
import sys

from bench.extract.work import HOSTS, Work, host, pages, works

_REQUEST = re.compile(rb"GET /laporan/([^ ?]+)(?:\?(?:[^ ]*&)?halaman=(\d+)[^ ]*|\?[^ ]*)? HTTP/1\.1\r\n")
_END = b"\r\n\r\n"
_HEAD = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


class Answers:
    """What is answered to a request, and how late."""

    def __init__(self, work: Work) -> None:
        self._pages = dict(pages(work))
        self._errors = random.Random(work.name)  # noqa: S311
        self._error_share = work.error_share
        self.latency_seconds = work.latency_seconds

    def __call__(self, request: bytes) -> tuple[bytes, bytes]:
        """Head and body of the answer."""
        found = _REQUEST.match(request)
        answers = self._pages.get(found[1].decode()) if found else None
        number = int(found[2] or 1) if found else 0
        if answers is None or not 1 <= number <= len(answers):
            return _HEAD % (b"404 Not Found", 0), b""
        if self._errors.random() < self._error_share:
            return _HEAD % (b"503 Service Unavailable", 0), b""
        body = answers[number - 1]
        return _HEAD % (b"200 OK", len(body)), body


class _Connection(asyncio.Protocol):
    """One kept-alive connection; HTTP without anything that our clients do not use."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(_END)) >= 0:
            request, self._received = self._received[: end + len(_END)], self._received[end + len(_END) :]
            if self._answers.latency_seconds:
                asyncio.get_running_loop().call_later(self._answers.latency_seconds, self._answer, request)
            else:
                self._answer(request)

    def _answer(self, request: bytes) -> None:
        assert self._transport is not None
        head, body = self._answers(request)
        self._transport.write(head)
        self._transport.write(body)


async def serve(answers: Answers) -> None:
    """Answer until standard input ends."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    first = await loop.create_server(lambda: _Connection(answers), host(0), 0, backlog=512)
    port = first.sockets[0].getsockname()[1]
    others = [host(number) for number in range(1, HOSTS)]
    await loop.create_server(lambda: _Connection(answers), others, port, backlog=512)
    loop.add_reader(sys.stdin, lambda: None if sys.stdin.read(1) else ended.set())
    print(port, flush=True)
    await ended.wait()


if __name__ == "__main__":
    asyncio.run(serve(Answers(works(int(sys.argv[2]))[sys.argv[1]])))
