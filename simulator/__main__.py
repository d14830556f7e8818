"""python -m simulator up | serve | env | recorded | down"""

import argparse
import os
import shlex
import sys
from datetime import date
from pathlib import Path

from simulator import recorded
from simulator.connections import DEFAULT_PORT, Ports, environment
from simulator.faults import FaultPlanInvalid
from simulator.process import Options, SimulatorFailed, serve, start, state_folder, stop
from simulator.registry import DEFAULT_REGISTRY
from simulator.server import GEOREPORT_CAP
from simulator.sftp import host_key


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    parsed = _parser().parse_args(given)
    if parsed.command == "down":
        print("simulator stopped" if stop() else "no simulator was running")
        return 0
    if parsed.command == "env":
        print("\n".join(_exports(parsed.port, parsed.postgres)))
        return 0
    try:
        if parsed.command == "recorded":
            recorded.serve(parsed.folder, parsed.port, lambda port: print(f"recorded answers at {port}", flush=True))
            return 0
        if parsed.command == "provider":
            from simulator import provider  # a web framework that nobody else here needs

            provider.serve(parsed.port)
            return 0
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
        ports=Ports.next_to(parsed.port),
        faults=parsed.faults,
        latency_ms=parsed.latency_ms,
        registry=parsed.registry,
        postgres=parsed.postgres,
        georeport_cap=parsed.georeport_cap,
    )


def _exports(port: int, postgres: str | None) -> list[str]:
    """Shell lines that export what a reader needs, except what the environment sets already."""
    folder = state_folder()
    variables = environment(folder, Ports.next_to(port), host_key(folder), postgres)
    return [f"export {name}={shlex.quote(value)}" for name, value in variables.items() if name not in os.environ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m simulator", description="657 pretend agencies, served as of any night."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="build the world and serve it in the background; returns when it answers")
    foreground = commands.add_parser("serve", help="the same in the foreground")
    variables = commands.add_parser("env", help='print exports for readers: eval "$(python -m simulator env)"')
    real = commands.add_parser("recorded", help="serve real GeoReport answers that were recorded, in the foreground")
    real.add_argument("folder", type=Path)
    real.add_argument("--port", type=int, default=recorded.DEFAULT_PORT)
    identity = commands.add_parser(
        "provider", help="serve an identity provider that believes anybody, in the foreground"
    )
    identity.add_argument("--port", type=int, default=8601)
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
        command.add_argument(
            "--faults", help='a YAML or JSON file of faults, or "none"; default: a few on the last nights'
        )
        command.add_argument("--latency-ms", type=int, default=0, help="how long every answer takes at least")
        command.add_argument(
            "--georeport-cap", type=int, default=GEOREPORT_CAP, help="the most an Open311 answer holds"
        )
        command.add_argument("--registry", type=Path, default=DEFAULT_REGISTRY)
    for command in (up, foreground, variables):
        command.add_argument(
            "--port", type=int, default=DEFAULT_PORT, help="of HTTP; SFTP and S3 take the two after it"
        )
        command.add_argument(
            "--postgres",
            default=os.environ.get("LAPOR_SIMULATOR_POSTGRES") or None,
            metavar="DSN",
            help="a database to fill (schema sumber) for agencies that are read in PostgreSQL",
        )
    foreground.add_argument("--progress-fd", type=int, help=argparse.SUPPRESS)
    return parser


def _nights(text: str) -> list[date]:
    return [date.fromisoformat(part) for part in text.split(",")]


def _agencies(text: str) -> int | tuple[str, ...]:
    return int(text) if text.isdigit() else tuple(text.split(","))


if __name__ == "__main__":
    sys.exit(main())
