"""python -m bench night [--histories 1,5]: the cost of a night, and how it follows the history
python -m bench extract [--rounds 2] [--rows 200000] [--peers dlt,...]: extraction, others, the limit
"""

import argparse
import sys

from bench import night
from bench.extract import race
from bench.extract.contenders import PEERS


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
    options = parser.parse_args()
    if options.bench == "night":
        histories = [int(history) for history in options.histories.split(",")]
        print(night.report(night.measure(histories)))
    else:
        peers = race.chosen_peers(options.peers)
        print(race.report(race.race(options.works.split(","), options.rows, options.rounds, peers)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
