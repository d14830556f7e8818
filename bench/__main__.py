"""python -m bench night [--histories 1,5]: the cost of a night, and how it follows the history
python -m bench extract [--rounds 2] [--rows 200000] [--peers dlt,...]: extraction, others, the limit
python -m bench marts [--histories 1000000,10000000] [--changes 50000]: a night's build over long histories
python -m bench fairness [--seeds 200]: whether the comparison of agencies is right, where the truth is known
python -m bench portal [--history 1000000] [--users 20] [--seconds 60]: how long pages take under load, and its memory
python -m bench scale [--workers 1,3] [--ways commands,celery]: a night of far agencies fetched by several workers
python -m bench soak [--nights 30] [--agencies 60]: nights in a row while agencies and the machine fail at random
python -m bench gate [--parts truth,cost] [--nights 100000,100000:5,1000000]: what the gate catches, and what it costs
"""

import argparse
import sys
from pathlib import Path

from bench import night, portal, scale
from bench.extract import race
from bench.extract.contenders import PEERS
from bench.fairness import run as fairness
from bench.fairness import verdict
from bench.gate import accuracy, cost
from bench.marts import scale as marts_scale
from bench.soak import run as soak


def main() -> int:
    """Measure and print."""
    options = _parser().parse_args()
    match options.bench:
        case "night":
            histories = [int(history) for history in options.histories.split(",")]
            print(night.report(night.measure(histories)))
        case "extract":
            peers = race.chosen_peers(options.peers)
            print(race.report(race.race(options.works.split(","), options.rows, options.rounds, peers)))
        case "marts":
            histories = [int(history) for history in options.histories.split(",")]
            print(marts_scale.report(*marts_scale.measure_all(histories, options.changes)))
        case "fairness":
            print(verdict.report(fairness.measure(options.seeds), options.seeds))
        case "portal":
            at = {"dsn": options.dsn, "state": options.state_dir, "history": options.history}
            print(portal.report(portal.measure(users=options.users, seconds=options.seconds, **at)))
        case "scale":
            workers = [int(count) for count in options.workers.split(",")]
            print(scale.report(scale.measure(options.ways.split(","), workers)))
        case "soak":
            for words in soak.soak(options.nights, options.seed, options.agencies):
                print(words, flush=True)
        case "gate":
            _gate(options.parts.split(","), [cost.Size.of(text) for text in options.nights.split(",")])
    return 0


def _gate(parts: list[str], sizes: list[cost.Size]) -> None:
    if unknown := set(parts) - {"truth", "cost"}:
        raise SystemExit(f"bench: parts {sorted(unknown)} are unknown; known: truth, cost")
    # The cost first: what the bench itself has in memory by then counts towards the commands it starts.
    if "cost" in parts:
        print(cost.report(cost.measure_all(sizes)), end="\n\n", flush=True)
    if "truth" in parts:
        print(accuracy.report(accuracy.measure()))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    benches = parser.add_subparsers(dest="bench", required=True)
    nights = benches.add_parser("night", help="what a night costs, and whether it grows with the history")
    nights.add_argument("--histories", default="1,5", help=f"which of {sorted(night.FIRST_DAYS)}, in half-years")
    extract = benches.add_parser("extract", help="what extraction costs, against others and the limit")
    extract.add_argument("--rounds", type=int, default=2, help="how often each does the same work")
    extract.add_argument("--rows", type=int, default=200_000, help="complaints of the backfill")
    extract.add_argument("--works", default=",".join(race.WORKS), help="which works, with commas")
    extract.add_argument("--peers", default=",".join(PEERS), help="which peers, with commas; empty for none")
    marts = benches.add_parser(
        "marts", help="what a night's build costs over long histories, and what questions of them do"
    )
    marts.add_argument("--histories", default=",".join(map(str, marts_scale.HISTORIES)), help="complaints, with commas")
    marts.add_argument(
        "--changes", type=int, default=marts_scale.CHANGES, help="complaints that are new or have news in a night"
    )
    fair = benches.add_parser(
        "fairness", help="whether intervals, ranks and flags of agencies are right, where the truth is known"
    )
    fair.add_argument("--seeds", type=int, default=fairness.SEEDS, help="nations to draw")
    pages = benches.add_parser("portal", help="what pages and the pull API take when many read at once")
    where = pages.add_mutually_exclusive_group()
    where.add_argument("--dsn", help="owner's address of a built warehouse; default: the one that runs")
    where.add_argument("--state-dir", type=Path, help="state directory of a built warehouse; it is started if need be")
    where.add_argument("--history", type=int, help="write and build so many complaints first, elsewhere")
    pages.add_argument("--users", type=int, default=portal.USERS, help="readers at once")
    pages.add_argument("--seconds", type=float, default=portal.SECONDS, help="how long they read")
    out = benches.add_parser("scale", help="how much faster several workers fetch a night of agencies that answer late")
    out.add_argument("--workers", default="1,3", help="how many, with commas")
    out.add_argument("--ways", default=",".join(scale.WAYS), help=f"of {', '.join(scale.WAYS)}, with commas")
    nights_in_a_row = benches.add_parser(
        "soak", help="whether many nights in a row hold while agencies and the machine fail at random (docs/soak.md)"
    )
    nights_in_a_row.add_argument("--nights", type=int, default=30, help="how many")
    nights_in_a_row.add_argument("--agencies", type=int, help="of how many agencies; all unless said")
    nights_in_a_row.add_argument("--seed", type=int, default=30, help="of what goes wrong, and when")
    gate = benches.add_parser("gate", help="what the gate catches of known dirt, and what judging a large night costs")
    gate.add_argument("--parts", default="truth,cost", help="truth, cost or both, with commas")
    gate.add_argument(
        "--nights", default=cost.SIZES, help="sizes of the nights: complaints[:events of each], with commas"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
