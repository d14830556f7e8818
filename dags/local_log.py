"""Many logs as one: what each component has written since, line by line, with the component's name before it."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

LOOK_SECONDS = 0.2


@contextmanager
def followed(logs: Mapping[str, Path], to: TextIO) -> Iterator[None]:
    """Write every new line of the logs to `to` while the block runs, and what is left of them when it ends.

    logs: component -> file. They are read from their beginning: start the components afterwards, or they begin anew.
    """
    for file in logs.values():
        file.unlink(missing_ok=True)
    width, places, over = max(map(len, logs)), dict.fromkeys(logs, 0), threading.Event()

    def write_new() -> None:
        for name, file in logs.items():
            text = _whole_lines(file, places[name])
            places[name] += len(text)
            for line in text.decode(errors="replace").splitlines():
                print(f"{name:<{width}} | {line}", file=to)
        to.flush()

    def follow() -> None:
        while not over.wait(LOOK_SECONDS):
            write_new()

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        write_new()


def _whole_lines(file: Path, place: int) -> bytes:
    """What stands in the file behind `place`, up to the last end of a line."""
    if not file.exists():
        return b""
    with file.open("rb") as stream:
        stream.seek(place)
        text = stream.read()
    return text[: text.rfind(b"\n") + 1]
