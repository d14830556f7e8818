"""The tables of docs/soak.md: the nights, what was done to agencies, and what grew by how much of what."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.soak.faults import STEPS
from bench.soak.supervised import Night


@dataclass(frozen=True, slots=True)
class Soak:
    """The nights that have ended; how deliveries of broken agencies did, by kind; MB of schemas, first and last."""

    agencies: int
    seed: int
    nights: list[Night]
    kinds: dict[str, dict[str, int]]
    schemas: dict[str, tuple[float, float]]


def told(night: Night) -> str:
    """One line about a night that has ended."""
    wall, cpu = sum(step.wall_seconds for step in night.steps), sum(step.cpu_seconds for step in night.steps)
    states = ", ".join(f"{number} {state}" for state, number in sorted(night.states.items()))
    costs = f"{wall:.0f} s wall, {cpu:.0f} + {night.postgres_cpu_seconds:.0f} CPU s"
    return f"night {night.night}: {costs}; {states}; {_blows(night)}"


def report(soak: Soak) -> str:
    """Markdown: figures only, the words around them are those of docs/soak.md."""
    first, last = soak.nights[0], soak.nights[-1]
    blows = [step for night in soak.nights for step in night.steps if step.blow]
    lines = [
        f"{soak.agencies} agencies, {len(soak.nights)} nights ({first.night} to {last.night}), seed {soak.seed}:"
        " every night closed, every row and every agency accounted for on every night.",
        "",
        *_table(
            ("night", *STEPS, "wall s", "CPU s", "PG CPU s", "rows", "new", "deliveries", "blow"),
            map(_night, soak.nights),
        ),
        "",
        *_table(
            ("step", "peak MB, first night", "median", "largest", "last night"),
            (_peak(soak, name) for name in STEPS),
        ),
        "",
        *_table(
            ("agencies that broke by", "times", "how their deliveries ended"),
            (
                (
                    kind,
                    str(sum(ends.values())),
                    ", ".join(f"{number} {state}" for state, number in sorted(ends.items())),
                )
                for kind, ends in sorted(soak.kinds.items())
            ),
        ),
        "",
        *_table(
            ("MB on disk", "after the first night", "after the last", "a night"),
            (
                (
                    name,
                    f"{size:.1f}",
                    f"{last.megabytes[name]:.1f}",
                    f"{(last.megabytes[name] - size) / (len(soak.nights) - 1 or 1):.2f}",
                )
                for name, size in first.megabytes.items()
            ),
        ),
        "",
        *_table(
            ("schema", "MB after the first night", "after the last", "a night"),
            (
                (name, f"{size:.1f}", f"{later:.1f}", f"{(later - size) / (len(soak.nights) - 1 or 1):.2f}")
                for name, (size, later) in sorted(soak.schemas.items())
                if later >= 1
            ),
        ),
        "",
        f"Blows: {len(blows)}, of which {sum(not step.came for step in blows)} came after their step had ended;"
        f" steps tried again: {sum(step.tries - 1 for night in soak.nights for step in night.steps)}.",
        f"Growth: {_growth(soak)}",
    ]
    return "\n".join(lines)


def _night(night: Night) -> tuple[str, ...]:
    seconds = {step.name: f"{step.cpu_seconds:.1f}" for step in night.steps}
    wanting = ", ".join(
        f"{number} {state}" for state, number in sorted(night.states.items()) if state in ("failed", "late")
    )
    held = f", {night.rows['held deliveries']} held" if night.rows["held deliveries"] else ""
    return (
        night.night.isoformat(),
        *(seconds[name] for name in STEPS),
        f"{sum(step.wall_seconds for step in night.steps):.0f}",
        f"{sum(step.cpu_seconds for step in night.steps):.0f}",
        f"{night.postgres_cpu_seconds:.0f}",
        f"{night.rows['received']:,}",
        f"{night.rows['loaded']:,}",
        f"{wanting or 'all came'}{held}",
        _blows(night),
    )


def _blows(night: Night) -> str:
    struck = [f"{step.blow} in {step.name}{'' if step.came else ' (too late)'}" for step in night.steps if step.blow]
    return ", ".join(struck) or "-"


def _peak(soak: Soak, name: str) -> tuple[str, ...]:
    peaks = [step.peak_megabytes for night in soak.nights for step in night.steps if step.name == name]
    later = sorted(peaks[1:] or peaks)
    return (name, *(f"{peak:.0f}" for peak in (peaks[0], later[len(later) // 2], later[-1], peaks[-1])))


def _growth(soak: Soak) -> str:
    first, last = soak.nights[0], soak.nights[-1]
    rows = sum(night.rows["loaded"] for night in soak.nights[1:])
    events = sum(night.rows["events"] for night in soak.nights[1:])
    if not rows:
        return "one night is no growth."
    bytes_per_row = {
        name: (last.megabytes[name] - first.megabytes[name]) * 1e6 / rows for name in ("PostgreSQL", "landing")
    }
    raw = sum(soak.schemas[name][1] - soak.schemas[name][0] for name in ("raw", "restricted")) * 1e6 / rows
    return (
        f"{rows:,} versions of complaints with {events:,} events came after the first night; for each,"
        f" {bytes_per_row['landing']:,.0f} bytes of landing and {bytes_per_row['PostgreSQL']:,.0f} of PostgreSQL,"
        f" of which {raw:,.0f} in raw and restricted."
    )


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [
        f"| {' | '.join(header)} |",
        f"|{'---|' * len(header)}",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]
