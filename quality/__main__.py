"""The gate and what it decided. What each command does: --help behind it; when to use which: quality/README.md.

python -m quality --night D is the gate; it also judges what has arrived meanwhile for earlier nights. Exit codes: 0
passed (with or without quarantine), 2 the night is held, 3 not evaluated: nothing is released. The other commands exit
1 when there is nothing to decide.
"""

import argparse
import sys
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING

import psycopg2
from jinja2 import TemplateError

from quality.errors import NotDecidable, NotEvaluated, NotHeld
from warehouse.log import begin, complain, say
from warehouse.server import WarehouseNotRunning

if TYPE_CHECKING:
    from quality.steward import Status

RESOURCES = ("complaints", "surveys", "recaps", "ratings", "units", "activity")
PASSED, REFUSED, HELD, NOT_EVALUATED = 0, 1, 2, 3


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    if given and given[0].startswith("--night"):
        given = ["gate", *given]
    options = _parser().parse_args(given)
    known = vars(options)
    begin(f"quality {given[0]}", **{name: known.get(name) for name in ("night", "agency", "resource", "rule")})
    try:
        return int(options.run(options))
    except (NotHeld, NotDecidable) as error:
        complain(str(error))
        return REFUSED
    except NotEvaluated as error:
        complain(f"NOT EVALUATED: {error}")
        return NOT_EVALUATED
    except (WarehouseNotRunning, psycopg2.OperationalError) as error:
        complain(f"NOT EVALUATED: {error}")
        return NOT_EVALUATED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m quality", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)

    def command(name: str, run: Callable[[argparse.Namespace], int], text: str, *needs: str) -> argparse.ArgumentParser:
        added: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
        added.set_defaults(run=run)
        if "night" in needs:
            added.add_argument("--night", type=date.fromisoformat, required=True, help="business date, e.g. 2021-06-30")
        if "name" in needs:
            added.add_argument("--by", required=True, help="who decides")
            added.add_argument("--note", required=True, help="why")
        return added

    command("gate", _gate, "judge a night (also without the word gate)", "night")
    command("show", _show, "what was decided on a night, and what to do about it", "night")
    command("page", _page, "write the morning page again", "night")
    command("alert", _alert, "the one alert of a night, composed again", "night")
    release = command("release", _release, "let a held delivery in; without an agency: a held night", "night", "name")
    release.add_argument("--agency", help="agency code, e.g. KOTA-21.71")
    release.add_argument("--resource", choices=sorted(RESOURCES))
    command("regate", _regate, "judge a night again after something was mended", "night", "name")
    replay = command("replay", _replay, "judge every night again that has open rows of a rule", "name")
    replay.add_argument("--rule", required=True, help="rule id, e.g. category_known")
    bounds = command("bounds", _bounds, "the bounds in force, or what the history proposes")
    bounds.add_argument("--propose", action="store_true", help="look at the history instead of the file")
    bounds.add_argument("--nights", type=int, default=90, help="how many nights back (default 90)")
    command("rules", _rules, "the table of rules of README.md, from the suites")
    feedback = command("feedback", _feedback, "write what an agency should correct, in Bahasa Indonesia", "night")
    feedback.add_argument("--agency", required=True, help="agency code, e.g. KOTA-21.71")
    feedback.add_argument("--form", choices=["xlsx", "csv"], default="xlsx")
    _add_quarantine(command("quarantine", _quarantine, "the rows kept out: list them, decide about them"))
    return parser


def _add_quarantine(quarantine: argparse.ArgumentParser) -> None:
    quarantine.add_argument("action", choices=["list", *_DECISIONS])
    quarantine.add_argument("--record", type=int, action="append", default=[], help="number of a record (repeatable)")
    quarantine.add_argument("--night", type=date.fromisoformat, help="only of this night")
    quarantine.add_argument("--agency", action="append", default=[], help="only of this agency (repeatable)")
    quarantine.add_argument("--rule", action="append", default=[], help="only what broke this rule (repeatable)")
    quarantine.add_argument("--status", action="append", default=[], help="list: which statuses; default: open")
    quarantine.add_argument("--by", default="", help="who decides")
    quarantine.add_argument("--note", default="", help="why")


_DECISIONS: dict[str, "Status"] = {"waive": "waived", "discard": "discarded", "reopen": "open"}

# Great Expectations takes seconds to import: only the gate pays for it.


def _gate(options: argparse.Namespace) -> int:
    from quality.data_docs import publish
    from quality.gate import gate, unjudged_nights
    from quality.summary import summarise

    for earlier in unjudged_nights(options.night):
        try:
            say(f"{summarise(gate(earlier))}\n", night=earlier)
        except NotEvaluated as error:
            complain(f"NOT EVALUATED, and so not let in: {error}\n", night=earlier)
    try:
        outcome = gate(options.night)
    except NotEvaluated:
        _tell(options.night)
        raise
    say(summarise(outcome), verdict=outcome.verdict)
    say(publish(outcome))
    _tell(options.night)
    return HELD if outcome.verdict == "held" else PASSED


def _tell(night: date) -> None:
    """Write the page and the alert; the decisions stand whatever becomes of these."""
    for run in (_page, _alert):
        try:
            run(argparse.Namespace(night=night))
        except (OSError, psycopg2.Error, TemplateError, NotEvaluated) as error:
            complain(f"not written ({error}); the decisions stand")


def _page(options: argparse.Namespace) -> int:
    from quality.page import write_page

    say(f"morning page: {write_page(options.night)}")
    return PASSED


def _alert(options: argparse.Namespace) -> int:
    from quality.alert import store_alert

    alert = store_alert(options.night)
    words = [f"{alert.level.upper()}: {alert.headline}", *(f"  {line}" for line in alert.lines)]
    say("\n".join(words), alert=alert.level)
    return PASSED


def _show(options: argparse.Namespace) -> int:
    from quality.summary import show

    print(show(options.night))
    return PASSED


def _release(options: argparse.Namespace) -> int:
    from quality.release import release, release_night

    if bool(options.agency) != bool(options.resource):
        raise NotHeld("A delivery is named by --agency and --resource; a night by neither.")
    if not options.agency:
        rule_ids = release_night(options.night, options.by, options.note)
        say(f"night {options.night}: released by {options.by} in spite of {', '.join(rule_ids)}. "
            f"Gate and build it: python -m quality --night {options.night}")  # fmt: skip
        return PASSED
    verdict = release(options.night, options.agency, options.resource, options.by, options.note)
    say(f"{options.agency} {options.resource}, night {options.night}: {verdict}, released by {options.by}. "
        "The next build stages it.")  # fmt: skip
    return PASSED


def _regate(options: argparse.Namespace) -> int:
    from quality.regate import regate
    from quality.summary import summarise

    outcome = regate(options.night, options.by, options.note)
    say(summarise(outcome), verdict=outcome.verdict)
    _tell(options.night)
    return HELD if outcome.verdict == "held" else PASSED


def _replay(options: argparse.Namespace) -> int:
    from quality.regate import replay

    for night, before, after in replay(options.rule, options.by, options.note):
        say(f"night {night}: {before:,} rows stood out by {options.rule}, {after:,} still do", night=night)
    say("What stands out by a word or a format is read again first: python -m extract replay --night D")
    return PASSED


def _bounds(options: argparse.Namespace) -> int:
    from quality.bounds import BOUNDS_FILE
    from quality.proposals import propose

    if options.propose:
        print("\n".join(proposal.explained() for proposal in propose(options.nights)))
    else:
        print(BOUNDS_FILE.read_text(encoding="utf-8"), end="")
    return PASSED


def _quarantine(options: argparse.Namespace) -> int:
    from quality.steward import Wanted, decide, listed

    if options.action == "list":
        statuses = options.status or ["open"]
        print(listed(Wanted(options.record, options.night, options.agency, options.rule, statuses)))
        return PASSED
    if not options.record and not (options.agency and options.rule):
        raise NotDecidable(
            "Say which rows: --record, or --agency together with --rule. A whole night is not decided on."
        )
    status = _DECISIONS[options.action]
    statuses = ["waived", "discarded"] if status == "open" else ["open", "waived", "discarded"]
    wanted = Wanted(options.record, options.night, options.agency, options.rule, statuses)
    count = decide(wanted, status, options.by, options.note)
    say(f"{count} row{'s' if count > 1 else ''} {status} by {options.by}. The next build carries it out.")
    return PASSED


def _feedback(options: argparse.Namespace) -> int:
    from quality.feedback import feedback

    path, count = feedback(options.night, options.agency, options.form)
    say(f"{count} finding{'s' if count != 1 else ''} written to {path}")
    return PASSED


def _rules(_options: argparse.Namespace) -> int:
    from quality.summary import rule_table

    print(rule_table())
    return PASSED


if __name__ == "__main__":
    sys.exit(main())
