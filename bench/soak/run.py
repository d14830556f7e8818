"""A soak: night after night over the whole nation while agencies and the machine fail, each held to its promises.

After the last night the agencies mend what they owe, the open nights are extracted again, and what stands is laid
beside the simulator's truth and beside a full build.
"""

import random
import shutil
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from bench import night as nightly
from bench.soak import faults, proofs
from bench.soak.disk import disk, schemas
from bench.soak.report import Soak, report, told
from bench.soak.supervised import PATIENCE, Night, Supervised
from simulator.registry import BATAM, DEFAULT_REGISTRY, read_agencies

# Tells more than half of what a slice of 60 agencies does: without it the gate rightly holds a night.
DOMINANT = "KEM-3014"


def soak(count: int, seed: int, size: int | None = None, directory: Path | None = None) -> Iterator[str]:
    """Run so many nights of all agencies, or of `size` of them; yields what there is to tell, as it comes.

    Raises SoakFailed.
    """
    nights = [nightly.LAST_NIGHT - timedelta(days=back) for back in reversed(range(count))]
    rng = random.Random(seed)  # noqa: S311
    with tempfile.TemporaryDirectory(prefix="lapor-soak-", dir=directory) as folder:
        state = Path(folder)
        state.chmod(0o755)  # PostgreSQL may run as a user of its own
        environment = nightly.environment_of(state) | PATIENCE
        environment |= {"DBT_TARGET_PATH": str(state / "dbt"), "DBT_LOG_PATH": str(state / "dbt")}
        registry = registry_of(size, state / "registry")
        environment["LAPOR_REGISTRY_DIR"] = str(registry)
        agencies = read_agencies(registry)
        plan = faults.agency_faults(agencies, nights, rng)
        blows = faults.machine_faults(nights, rng)
        file = faults.write_plan(plan, state / "faults.yml")
        with nightly.world(1, nights, environment, file, [agency.code for agency in agencies]) as serve:
            run = Supervised(state, environment)
            done: list[Night] = []
            sizes: dict[str, float] = {}
            for night in nights:
                ended = run.night(night, blows[night])
                proofs.look(run, ended, is_first=not done)
                ended.megabytes = disk(state)
                done.append(ended)
                sizes = sizes or schemas(run)
                yield told(ended)
            grown = {name: (sizes.get(name, 0.0), megabytes) for name, megabytes in schemas(run).items()}
            yield report(Soak(len(agencies), seed, done, proofs.ends_of(run, plan), grown))
            serve()
            mended = proofs.mend(run, nights[-1])
            complaints = proofs.compare_with_truth(run, state / "simulator" / "truth")
            yield (
                f"Then all agencies answered: {mended} deliveries that had not come were fetched for their own nights,"
                f" and all {complaints:,} complaints of the simulated nation stand in raw."
            )
            marts = proofs.compare_with_full_build(run, nights[-1])
            yield f"A full build over them ended in the same {marts} marts, by checksum."


def registry_of(size: int | None, folder: Path) -> Path:
    """A registry of every so many-th agency that speaks to the simulator, Kota Batam among them, the dominant one not.

    All of them without a size.
    """
    if size is None:
        return DEFAULT_REGISTRY
    everyone = [agency.code for agency in read_agencies() if agency.code not in (BATAM, DOMINANT)]
    chosen = {BATAM, *everyone[:: max(1, len(everyone) // (size - 1))][: size - 1]}
    shutil.copytree(DEFAULT_REGISTRY, folder)
    for name in ("agencies.csv", "sources.csv"):
        header, *rows = (folder / name).read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [row for row in rows if row.split(",", 1)[0] in chosen]
        (folder / name).write_text("".join([header, *kept]), encoding="utf-8")
    return folder
