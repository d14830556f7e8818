"""python -m bench night [--histories 1,5]: the cost of a night, and how it follows the history
python -m bench extract [--rounds 2] [--rows 200000] [--peers dlt,...]: extraction, others, the limit
python -m bench gate [--parts truth,cost] [--nights 100000,100000:5,1000000]: what the gate catches, and what it costs
"""

import argparse
import sys

from bench import night
from bench.extract import race
from bench.extract.contenders import PEERS
from bench.gate import accuracy, cost


def main() -> int:
    """Measure and print."""
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
    gate = benches.add_parser("gate", help="what the gate catches of known dirt, and what judging a large night costs")
    gate.add_argument("--parts", default="truth,cost", help="truth, cost or both, with commas")
    gate.add_argument(
        "--nights", default=cost.SIZES, help="sizes of the nights: complaints[:events of each], with commas"
    )
    options = parser.parse_args()
    match options.bench:
        case "night":
            histories = [int(history) for history in options.histories.split(",")]
            print(night.report(night.measure(histories)))
        case "extract":
            peers = race.chosen_peers(options.peers)
            print(race.report(race.race(options.works.split(","), options.rows, options.rounds, peers)))
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


if __name__ == "__main__":
    sys.exit(main())
