"""What is on the disk of a soak: by part of the state directory, and by schema of the warehouse."""

from pathlib import Path

from bench.soak.supervised import Supervised


def schemas(run: Supervised) -> dict[str, float]:
    """Megabytes of each schema of the warehouse, indexes and all."""
    return {
        name: float(size) / 1e6
        for name, size in run.query(
            "select schemaname, sum(pg_total_relation_size(format('%I.%I', schemaname, tablename)))"
            " from pg_tables where schemaname not in ('pg_catalog', 'information_schema') group by schemaname"
        )
    }


def disk(state: Path) -> dict[str, float]:
    """Megabytes on disk of each part of the state directory but the simulator's."""
    parts = {
        "PostgreSQL": state / "postgres",
        "of that changes (pg_wal)": state / "postgres" / "pg_wal",
        "landing": state / "landing",
        "gate's pages": state / "site",
        "gate's data docs": state / "quality",
        "dbt": state / "dbt",
        "logs": state / "soak.log",
    }
    measured = {name: _megabytes(path) for name, path in parts.items()}
    everything = sum(_megabytes(path) for path in state.iterdir() if path.name != "simulator")
    known = sum(size for name, size in measured.items() if not name.startswith("of that"))
    return measured | {"the rest": everything - known}


def _megabytes(path: Path) -> float:
    files = [path] if path.is_file() else path.rglob("*")
    total = 0
    for file in files:
        try:
            total += file.lstat().st_blocks * 512
        except FileNotFoundError:
            continue  # PostgreSQL's temporary files come and go
    return total / 1e6
