"""A process beside the portal for what takes memory or long thought: drawing charts and deciding on small cells.

The renderer of charts and the solver need more memory than all the rest of the portal, and would keep the pages of
others waiting. The process starts with the first order and ends when there has been none for a while. What it has drawn
is kept in the state directory by what it was drawn from, so that the same figures are never drawn twice.
"""

import json
import os
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache, cached_property
from hashlib import sha256
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Any, TypeVar

from reports import charts
from reports.charts import Chart
from warehouse.settings import settings

Result = TypeVar("Result")

IDLE_SECONDS = 60.0
KEPT_DAYS = 7  # a drawing that no page has asked for so long is thrown away

_lock = threading.Lock()
_process: ProcessPoolExecutor | None = None
_ending: threading.Timer | None = None


class Drawing:
    """A chart that is drawn, or found drawn, when it is first looked at: not while a transaction waits for it."""

    def __init__(self, draw: Callable[..., Chart], data: tuple[Any, ...], framing: Mapping[str, Any]) -> None:
        self._draw, self._data, self._framing = draw, data, framing

    @cached_property
    def chart(self) -> Chart:
        """The chart itself; what its drawing raises is raised here."""
        order = repr((self._draw.__name__, self._data, sorted(self._framing.items()), _version()))
        place = _drawings() / f"{sha256(order.encode()).hexdigest()}.json"
        try:
            told = json.loads(place.read_text())
        except FileNotFoundError:
            chart = order_of(self._draw, *self._data, **self._framing)
            write(place, {"name": chart.name, "svg": chart.svg, "title": chart.title, "description": chart.description})
            return chart
        return Chart(**told)


def drawn(draw: Callable[..., Chart], *data: Any, **framing: Any) -> Drawing:
    """What `draw`, one of reports.charts, will make of the data: `drawn(charts.trend, lines, name=...)`."""
    return Drawing(draw, data, framing)


def order_of(work: Callable[..., Result], *arguments: Any, **named: Any) -> Result:
    """Have a function called in the other process; what it raises is raised here."""
    global _process, _ending  # noqa: PLW0603 - one process for all requests, started and ended here alone
    with _lock:
        if _process is None:
            _process = ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_end_with_the_portal)
        if _ending is not None:
            _ending.cancel()
        _ending = threading.Timer(IDLE_SECONDS, close)
        _ending.daemon = True
        _ending.start()
        pending = _process.submit(work, *arguments, **named)
    try:
        return pending.result()
    except BrokenProcessPool:
        close()  # killed, perhaps for its memory: the next order gets another one
        raise


def close() -> None:
    """End the process when it has done what it was told."""
    global _process
    with _lock:
        ending, _process = _process, None
    if ending is not None:
        ending.shutdown(wait=False)


def _end_with_the_portal() -> None:
    """Let the other process end when the portal does, however it ends: a killed one says nothing to it."""
    portal = parent_process()
    assert portal is not None, "called in the other process"

    def watch() -> None:
        portal.join()
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()


def clear() -> None:
    """Throw away drawings that no page has asked for in KEPT_DAYS days."""
    oldest = time.time() - KEPT_DAYS * 86_400
    for path in _drawings().glob("*.json"):
        if path.stat().st_atime < oldest and path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)


def write(path: Path, told: Any) -> None:
    """Write JSON for other processes and later starts; a reader finds it whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
    with os.fdopen(handle, "w") as file:
        json.dump(told, file)
    Path(name).replace(path)


def _drawings() -> Path:
    return settings().state_dir / "portal" / "charts"


@cache
def _version() -> str:
    """A fingerprint of what draws: another house style draws anew."""
    here = Path(charts.__file__).resolve().parent
    return sha256(b"".join(path.read_bytes() for path in sorted(here.glob("*.py")))).hexdigest()[:12]
