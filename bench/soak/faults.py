"""What goes wrong in a soak: which agency breaks how on which night, and what happens to the machine meanwhile.

Everything is drawn from one seed. The first night loads the history and is left alone.
"""

import os
import random
import signal
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import psycopg2
import yaml

from simulator.faults import possible_faults
from simulator.registry import Agency
from warehouse import server

BROKEN_SHARE = 0.02  # of the agencies, on every night; at least two of them
MACHINE_A_NIGHT = (0, 1, 1, 2)  # drawn from
STEPS = ("open", "extract", "gate", "build", "close")
# What each step loses: a command of it, the server under it, or its connections.
MACHINE = (
    *(("kill -9", step) for step in STEPS),
    *((what, step) for what in ("PostgreSQL killed", "PostgreSQL restarted", "connections cut") for step in STEPS[1:4]),
)
ENDS_THE_SERVER = ("PostgreSQL killed", "PostgreSQL restarted")


@dataclass(frozen=True, slots=True)
class MachineFault:
    """One blow: what, in which step, and after which share of the time that the step took last."""

    what: str
    step: str
    after_share: float


def agency_faults(agencies: Sequence[Agency], nights: Sequence[date], rng: random.Random) -> list[dict[str, object]]:
    """A plan for simulator/faults.py: on every night but the first BROKEN_SHARE of the agencies, each kind as often."""
    able: dict[str, list[str]] = {}
    for agency in agencies:
        for kind in possible_faults(agency):
            able.setdefault(kind, []).append(agency.code)
    kinds: list[str] = []
    plan: list[dict[str, object]] = []
    for night in nights[1:]:
        broken: set[str] = set()
        while len(broken) < max(2, round(BROKEN_SHARE * len(agencies))):
            if not kinds:
                kinds = rng.sample(sorted(able), len(able))
            kind = kinds.pop()
            code = rng.choice(able[kind])
            if code not in broken:
                broken.add(code)
                plan.append({"agency": code, "kind": kind, "nights": [night.isoformat()]})
    return plan


def machine_faults(nights: Sequence[date], rng: random.Random) -> dict[date, list[MachineFault]]:
    """For every night but the first the blows, at most one a step; each kind comes as often as the others."""
    deck: list[tuple[str, str]] = []
    plan: dict[date, list[MachineFault]] = {night: [] for night in nights}
    for night in nights[1:]:
        for _ in range(rng.choice(MACHINE_A_NIGHT)):
            deck = deck or rng.sample(MACHINE, len(MACHINE))
            what, step = deck.pop()
            if step not in {fault.step for fault in plan[night]}:
                plan[night].append(MachineFault(what, step, rng.uniform(0.05, 0.8)))
    return plan


def write_plan(plan: Iterable[dict[str, object]], path: Path) -> Path:
    """The file that `python -m simulator up --faults` reads."""
    path.write_text(yaml.safe_dump(list(plan)), encoding="utf-8")
    return path


def strike(what: str, state: Path, groups: Sequence[int]) -> None:
    """Do it now. `groups` are the process groups of the step's commands that still run."""
    match what:
        case "kill -9":
            os.killpg(groups[-1], signal.SIGKILL)
        case "PostgreSQL killed":
            os.kill(postmaster(state), signal.SIGKILL)
        case "PostgreSQL restarted":
            server.stop(state)
        case "connections cut":
            with closing(psycopg2.connect(server.socket_dsn(state, server.SUPERUSER))) as connection:
                connection.cursor().execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity"
                    " where datname = %s and pid <> pg_backend_pid()",
                    [server.DATABASE],
                )


def postmaster(state: Path) -> int:
    """The process of the embedded server, as its file says."""
    return int((server.data_directory(state) / "postmaster.pid").read_text().split()[0])
