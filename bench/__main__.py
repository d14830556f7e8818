"""python -m bench [--histories 1,5]: the cost of a night, and how it follows the history."""

import argparse
import sys

from bench.night import FIRST_DAYS, measure, report


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--histories", default="1,5", help=f"which of {sorted(FIRST_DAYS)}, in half-years")
    options = parser.parse_args()
    print(report(measure([int(history) for history in options.histories.split(",")])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
