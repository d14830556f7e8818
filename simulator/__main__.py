"""python -m simulator up | serve | down"""

import argparse
import os
import sys
from datetime import date
from pathlib import Path

from simulator.faults import FaultPlanInvalid
from simulator.process import Options, SimulatorFailed, serve, start, stop
from simulator.registry import DEFAULT_REGISTRY

DEFAULT_PORT = 8711


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    parsed = _parser().parse_args(given)
    if parsed.command == "down":
        print("simulator stopped" if stop() else "no simulator was running")
        return 0
    try:
        options = _options(parsed)
        if parsed.command == "up":
            url = start(options, given[1:], lambda line: print(f"simulator {line}", flush=True))
            print(f"simulator ready at {url} (stop it with: python -m simulator down)")
        else:
            _serve(options, parsed.progress_fd)
    except (SimulatorFailed, FaultPlanInvalid, ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _serve(options: Options, progress_fd: int | None) -> None:
    if progress_fd is None:
        serve(options, lambda line: print(line, flush=True))
        return
    with os.fdopen(progress_fd, "w", buffering=1) as pipe:
        # After READY nobody reads the pipe any more, and nothing is written to it.
        serve(options, lambda line: print(line, file=pipe))


def _options(parsed: argparse.Namespace) -> Options:
    nights = tuple(parsed.nights) if parsed.nights else (parsed.end,)
    outside = [night for night in nights if not parsed.start <= night <= parsed.end]
    if outside:
        raise ValueError(
            f"--nights {outside[0]} is outside {parsed.start}..{parsed.end}: change --nights, --from or --to."
        )
    return Options(
        start=parsed.start,
        end=parsed.end,
        nights=nights,
        seed=parsed.seed,
        agencies=parsed.agencies,
        scale=parsed.scale,
        port=parsed.port,
        faults=parsed.faults,
        latency_ms=parsed.latency_ms,
        registry=parsed.registry,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m simulator", description="657 pretend agencies, served as of any night."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="build the world and serve it in the background; returns when it answers")
    foreground = commands.add_parser("serve", help="the same in the foreground")
    commands.add_parser("down", help="stop the one in the background")
    for command in (up, foreground):
        command.add_argument("--from", dest="start", type=date.fromisoformat, default=date(2021, 1, 1), metavar="DATE")
        command.add_argument("--to", dest="end", type=date.fromisoformat, default=date(2021, 6, 30), metavar="DATE")
        command.add_argument(
            "--nights", type=_nights, help="comma-separated nights to drop files for; default: the last day"
        )
        command.add_argument("--seed", type=int, default=2021)
        command.add_argument("--agencies", type=_agencies, help="how many, or their codes with commas; default: all")
        command.add_argument("--scale", type=float, default=1.0, help="factor on the number of complaints")
        command.add_argument("--port", type=int, default=DEFAULT_PORT)
        command.add_argument(
            "--faults", help='a YAML or JSON file of faults, or "none"; default: a few on the last nights'
        )
        command.add_argument("--latency-ms", type=int, default=0, help="how long every answer takes at least")
        command.add_argument("--registry", type=Path, default=DEFAULT_REGISTRY)
    foreground.add_argument("--progress-fd", type=int, help=argparse.SUPPRESS)
    return parser


def _nights(text: str) -> list[date]:
    return [date.fromisoformat(part) for part in text.split(",")]


def _agencies(text: str) -> int | tuple[str, ...]:
    return int(text) if text.isdigit() else tuple(text.split(","))


if __name__ == "__main__":
    sys.exit(main())
