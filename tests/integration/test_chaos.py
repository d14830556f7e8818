"""The chaos table: what goes wrong, what is seen of it, and that afterwards nothing is missing.

Every row breaks one thing for real in a night of two dozen agencies (those of the agencies all in one), holds what the commands and the ledger say against
what the row expects, and then runs the night again without the fault: it ends in exactly the figures of the night in
which nothing went wrong. In those received = accepted + quarantined + held + superseded, as test_the_night.py asks of
it. A row is followed as far as its step, a killed build to the marts; LAPOR_TEST_CHAOS=all follows every one to the
marts, and has the three other rows that build. The same rows, for who is on duty: docs/runbook.md, "What it looks like".
"""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from simulator.drops import write_drops
from simulator.faults import FaultPlan
from tests.integration import blows
from tests.integration.chaos import Figures, Gateway, Steps, figures
from tests.integration.conftest import DBT, FIRST, LAST, REPOSITORY, Nation, Warehouse

EVERYTHING = os.environ.get("LAPOR_TEST_CHAOS") == "all"  # about ten minutes of CPU


# What agencies do ----------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Broken:
    """An agency that breaks: how, and what its delivery is then.

    `spoilt` is done by the gateway, `kind` by the simulator. `again` is what makes a delivery that came be fetched
    again; one that did not come is, by itself.
    """

    name: str
    agency: str
    state: str
    words: str
    kind: str = ""
    spoilt: str = ""
    again: tuple[str, ...] = ()
    verdict: str | None = None


AGENCIES = [
    Broken("an API cuts the connection", "KOTA-21.71", "failed", "Disconnected", spoilt="cut off"),
    Broken("an API is too slow", "KEM-2060", "failed", "no answer within 1 s", kind="slow"),
    Broken("an API answers 500", "KAB-12.05", "failed", "answered 500", kind="error_500"),
    Broken("a credential is revoked", "KAB-32.04", "failed", "answered 401", kind="unauthorized"),
    Broken("an answer ends in the middle", "KOTA-35.78", "failed", "truncated", kind="truncated_json"),
    Broken("an API redirects to a private address", "PROV-13", "failed", "redirects to 169.254.169.254", spoilt="redirected to a private address"),
    Broken("a page of HTML comes instead of data", "KAB-11.05", "failed", "HTML page", kind="garbage_html"),
    Broken("an API states a total it does not hand over", "PROV-33", "received", "", kind="wrong_total", again=("--redo",), verdict="held"),
    Broken("an API hands every record over twice", "KEM-1020", "received", "", spoilt="every record twice", again=("--redo",), verdict="held"),
    Broken("an agency's clock is ten years ahead", "KEM-1030", "received", "", spoilt="ten years ahead", again=("--redo",), verdict="held"),
    Broken("a file is missing", "KAB-11.02", "late", "", kind="missing_file"),
    Broken("a file is cut off", "KAB-35.13", "failed", "", kind="half_file"),
    Broken("a page of HTML is named a spreadsheet", "KOTA-33.73", "failed", "HTML", kind="html_named_xlsx"),
    Broken("a field has another name", "KAB-11.09", "failed", "source has changed", kind="renamed_field"),
]  # fmt: skip


@dataclass(frozen=True)
class Disturbed:
    """What the night of the broken agencies was, and what it ended in."""

    deliveries: dict[str, tuple[str, str]]
    verdicts: dict[str, str]
    after: Figures


@pytest.fixture(scope="module")
def disturbed(nation: Nation) -> Disturbed:
    """The first night, when each has its whole history to hand over: all of them break at once, and are mended."""
    steps, gateway, before = (
        Steps(nation.warehouse("nation_disturbed"), FIRST),
        Gateway(nation.url),
        dict(nation.faults),
    )
    gateway.spoilt = {broken.agency: broken.spoilt for broken in AGENCIES if broken.spoilt}
    nation.faults.update({(broken.agency, FIRST): broken.kind for broken in AGENCIES if broken.kind})
    drops = nation.folder / "broken drops"
    write_drops(nation.world, [FIRST, LAST], drops, FaultPlan(nation.faults))
    steps.have("extract", "open")
    with gateway.serving() as url:
        through = {"LAPOR_CONNECTION_SIMULATOR_HTTP": url, "LAPOR_CONNECTION_SIMULATOR_DROPS": f"file://{drops}"}
        steps.have("extract", **through)
    nation.faults.clear()
    nation.faults.update(before)
    steps.have("quality")
    deliveries = {broken.agency: steps.delivery(broken.agency) for broken in AGENCIES}
    verdicts = dict(
        steps.warehouse.query("select agency_code, verdict from quality.agency_verdict where resource = 'complaints'")
    )
    steps.have("extract")
    redone = [argument for broken in AGENCIES if broken.again for argument in ("--agency", broken.agency)]
    steps.have("extract", "--redo", "--resource", "complaints", *redone)
    steps.have("quality")
    return Disturbed(deliveries, verdicts, figures(steps.warehouse))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def undisturbed(first_night: Warehouse, built: Warehouse) -> dict[date, Figures]:
    """The figures of nights in which nothing went wrong but what is broken in the last night of this nation anyway."""
    return {FIRST: figures(first_night), LAST: figures(built)}


@pytest.mark.parametrize("broken", AGENCIES, ids=lambda broken: broken.name)
def test_a_broken_agency_is_told_in_its_own_row_and_nothing_of_it_is_lost(
    broken: Broken, disturbed: Disturbed, undisturbed: dict[date, Figures]
) -> None:
    state, reason = disturbed.deliveries[broken.agency]
    assert state == broken.state, reason
    assert re.search(broken.words, reason), reason
    assert disturbed.verdicts.get(broken.agency) == broken.verdict
    own = {key: value for key, value in undisturbed[FIRST].items() if key[1] == broken.agency}
    assert {key: value for key, value in disturbed.after.items() if key[1] == broken.agency} == own
    assert own["raw.complaints", broken.agency][0] > 0


def test_all_agencies_together_end_in_the_undisturbed_night(
    disturbed: Disturbed, undisturbed: dict[date, Figures]
) -> None:
    assert disturbed.after == undisturbed[FIRST]


# What happens to the machine ------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Hurt:
    """A machine that breaks; `step` is the one it breaks in, from which the night is gone on with."""

    name: str
    strike: Callable[[blows.Chaos], None]
    step: str = "extract"
    night: date = LAST
    is_dear: bool = False


MACHINE = [
    Hurt("an extraction is killed", blows.kill_extraction),
    Hurt("a gate is killed", blows.kill_gate, "gate"),
    Hurt("a build is killed", blows.kill_build, "build"),
    Hurt("PostgreSQL is killed under an extraction", blows.crash_in_extraction),
    Hurt("PostgreSQL is killed under the gate", blows.crash_in_gate, "gate"),
    Hurt("PostgreSQL is killed under a build", blows.crash_in_build, "build", is_dear=True),
    Hurt("an extraction loses its connection", blows.cut_in_extraction),
    Hurt("a gate loses its connection", blows.cut_in_gate, "gate"),
    Hurt("a build loses its connections", blows.cut_in_build, "build", is_dear=True),
    Hurt("the disk of the originals is full", blows.fill_landing),
    Hurt("PostgreSQL's disk is full", blows.fill_postgres, night=FIRST),
    Hurt("the keys are not there", blows.lose_keys),
    Hurt("originals are read under another key", blows.replay_under_another_key),
    Hurt("an original is damaged", blows.damage_an_original),
    Hurt("the clock is years ahead", blows.clock_ahead),
    Hurt("the clock is months behind", blows.clock_behind),
    Hurt("a night is run twice at once", blows.two_at_once),
    Hurt("the network is gone", blows.lose_the_network, "gate"),
    Hurt("a certificate has expired", blows.expire_a_certificate),
    Hurt("a wrong registry is deployed", blows.deploy_a_wrong_registry),
    Hurt("a wrong model is deployed", blows.deploy_a_wrong_model, "build", is_dear=True),
    Hurt("a replica is lost", blows.lose_a_replica),
]


@pytest.fixture(scope="module")
def judged(nation: Nation, first_night: Warehouse) -> Warehouse:
    """The last night, extracted and judged, not built."""
    steps = Steps(nation.warehouse("nation_judged", first_night), LAST)
    for command in (("extract", "open"), ("extract",), ("quality",)):
        steps.have(*command)
    return nation.keep(steps.warehouse)


@pytest.mark.parametrize("hurt", MACHINE, ids=lambda hurt: hurt.name)
def test_a_hurt_machine_says_so_and_the_night_run_again_is_the_undisturbed_one(
    hurt: Hurt,
    nation: Nation,
    first_night: Warehouse,
    judged: Warehouse,
    built: Warehouse,
    undisturbed: dict[date, Figures],
    server: Path,
) -> None:
    if hurt.is_dear and not EVERYTHING:
        pytest.skip("another build, half a minute of CPU: LAPOR_TEST_CHAOS=all")
    before = None if hurt.night == FIRST else judged if hurt.step == "build" else first_night
    steps = Steps(nation.warehouse(f"nation_{hurt.strike.__name__}", before), hurt.night)
    steps.have("extract", "open")
    hurt.strike(blows.Chaos(nation, steps, server))

    if hurt.step != "build":
        steps.have("extract", "open")
        steps.have("extract")
        is_judged = hurt.step == "gate" or EVERYTHING
        if is_judged:
            steps.have("quality")
        assert as_far_as(figures(steps.warehouse), is_judged) == as_far_as(undisturbed[hurt.night], is_judged)
    if hurt.step == "build" or EVERYTHING:
        steps.warehouse.commands(DBT, f"python -m extract close --night {hurt.night}")
        assert steps.warehouse.checksums() == (first_night if hurt.night == FIRST else built).checksums()


def as_far_as(found: Figures, is_judged: bool) -> Figures:
    """Without what the gate writes, unless it has judged."""
    return {key: value for key, value in found.items() if is_judged or not key[0].startswith("quality.")}


def test_the_table_is_long_and_the_runbook_has_every_row() -> None:
    rows = [row.name for row in (*AGENCIES, *MACHINE)]
    assert len(rows) == len(set(rows)) > 30
    runbook = (REPOSITORY / "docs" / "runbook.md").read_text()
    assert [row for row in rows if f"| {row} |" not in runbook] == []
