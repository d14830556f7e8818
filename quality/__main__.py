"""The gate and what it decided.

    python -m quality --night D python -m quality show --night D python -m quality release --night D --agency A
    --resource R --by NAME --note TEXT python -m quality quarantine list [--night D] [--agency A]... [--rule R]...
    [--status S]... python -m quality quarantine waive | discard | reopen (--record N... | --agency A... --rule R...)
    --by NAME --note TEXT python -m quality rules

The first form is the gate; it also judges what has arrived meanwhile for earlier nights. Exit codes: 0 passed (with or
without quarantine), 2 the night is held, 3 not evaluated: nothing is released. `release` exits 1 when there is nothing
to release.
"""

import argparse
import sys
from datetime import date
from typing import TYPE_CHECKING

import psycopg2

from quality.errors import NotDecidable, NotEvaluated, NotHeld
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
    try:
        return int(options.run(options))
    except (NotHeld, NotDecidable) as error:
        print(error, file=sys.stderr)
        return REFUSED
    except NotEvaluated as error:
        print(f"NOT EVALUATED: {error}", file=sys.stderr)
        return NOT_EVALUATED
    except (WarehouseNotRunning, psycopg2.OperationalError) as error:
        print(f"NOT EVALUATED: {error}", file=sys.stderr)
        return NOT_EVALUATED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m quality", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    for name, run, text in (
        ("gate", _gate, "judge a night (also without the word gate)"),
        ("show", _show, "what was decided on a night, and what to do about it"),
        ("release", _release, "let a held delivery in"),
        ("rules", _rules, "the table of rules of README.md, from the suites"),
    ):
        command = commands.add_parser(name, help=text)
        command.set_defaults(run=run)
        if name != "rules":
            command.add_argument(
                "--night", type=date.fromisoformat, required=True, help="business date, e.g. 2021-06-30"
            )
        if name == "release":
            command.add_argument("--agency", required=True, help="agency code, e.g. KOTA-21.71")
            command.add_argument("--resource", required=True, choices=sorted(RESOURCES))
            command.add_argument("--by", required=True, help="who decides")
            command.add_argument("--note", required=True, help="why")
    feedback = commands.add_parser("feedback", help="write what an agency should correct, in Bahasa Indonesia")
    feedback.set_defaults(run=_feedback)
    feedback.add_argument("--night", type=date.fromisoformat, required=True, help="business date, e.g. 2021-06-30")
    feedback.add_argument("--agency", required=True, help="agency code, e.g. KOTA-21.71")
    feedback.add_argument("--form", choices=["xlsx", "csv"], default="xlsx")
    quarantine = commands.add_parser("quarantine", help="the rows kept out: list them, decide about them")
    quarantine.set_defaults(run=_quarantine)
    quarantine.add_argument("action", choices=["list", *_DECISIONS])
    quarantine.add_argument("--record", type=int, action="append", default=[], help="number of a record (repeatable)")
    quarantine.add_argument("--night", type=date.fromisoformat, help="only of this night")
    quarantine.add_argument("--agency", action="append", default=[], help="only of this agency (repeatable)")
    quarantine.add_argument("--rule", action="append", default=[], help="only what broke this rule (repeatable)")
    quarantine.add_argument("--status", action="append", default=[], help="list: which statuses; default: open")
    quarantine.add_argument("--by", default="", help="who decides")
    quarantine.add_argument("--note", default="", help="why")
    return parser


_DECISIONS: dict[str, "Status"] = {"waive": "waived", "discard": "discarded", "reopen": "open"}

# Great Expectations takes seconds to import: only the gate pays for it.


def _gate(options: argparse.Namespace) -> int:
    from quality.data_docs import publish
    from quality.gate import gate, unjudged_nights
    from quality.summary import summarise

    for earlier in unjudged_nights(options.night):
        try:
            print(summarise(gate(earlier)), end="\n\n")
        except NotEvaluated as error:
            print(f"NOT EVALUATED, and so not let in: {error}\n", file=sys.stderr)
    outcome = gate(options.night)
    print(summarise(outcome))
    print(publish(outcome))
    return HELD if outcome.verdict == "held" else PASSED


def _show(options: argparse.Namespace) -> int:
    from quality.summary import show

    print(show(options.night))
    return PASSED


def _release(options: argparse.Namespace) -> int:
    from quality.release import release

    verdict = release(options.night, options.agency, options.resource, options.by, options.note)
    print(f"{options.agency} {options.resource}, night {options.night}: {verdict}, released by {options.by}. "
          "The next build stages it.")  # fmt: skip
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
    print(f"{count} row{'s' if count > 1 else ''} {status} by {options.by}. The next build carries it out.")
    return PASSED


def _feedback(options: argparse.Namespace) -> int:
    from quality.feedback import feedback

    path, count = feedback(options.night, options.agency, options.form)
    print(f"{count} finding{'s' if count != 1 else ''} written to {path}")
    return PASSED


def _rules(_options: argparse.Namespace) -> int:
    from quality.summary import rule_table

    print(rule_table())
    return PASSED


if __name__ == "__main__":
    sys.exit(main())
