"""A published figure is restated when it turns out to have been another at the same cut-off, and never because work went on."""

from datetime import date

from tests.dbt_project.conftest import Dbt
from tests.dbt_project.raw_world import BATAM, KARIMUN, RawWorld

MAY, JUNE = date(2021, 5, 31), date(2021, 6, 1)
NO_TESTS = ("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
VALUES = (*NO_TESTS, "--select", "+rpt_restatements", "+rpt_agency_performance_monthly")
VALUES_AGAIN = ("--exclude-resource-type", "seed", *VALUES)
THE_LOG = ("fct_published_figures", "rpt_restatements", "restatement_rules", "+dim_agencies")
RECEIVED, ROUTED = ("MASUK", "2021-05-10 09:00"), ("DISPOSISI", "2021-05-11 09:00")
COMPLETED = ("SELESAI_MANUAL", "2021-05-12 09:00")
COMPLETED_BY_ITSELF = ("SELESAI_OTOMATIS", "2021-05-31 23:59")


def test_a_figure_is_restated_at_its_own_cut_off_and_with_its_cause(world: RawWorld, dbt: Dbt) -> None:
    may_closes(world)
    dbt("build", *VALUES)
    world.publish()
    published = log_and_report(world, "marts")
    assert figures(world) == {
        BATAM: {
            "received_count": 3,
            "routed_count": 3,
            "followed_up_count": 2,
            "completed_count": 2,
            "archived_count": 0,
        },
        KARIMUN: {
            "received_count": 1,
            "routed_count": 1,
            "followed_up_count": 1,
            "completed_count": 1,
            "archived_count": 0,
        },
    }
    assert restatements(world) == []

    june_knows_better(world)
    dbt("build", *VALUES_AGAIN)
    known_better = [
        (BATAM, "completed_count", 1, 2, 3, "late_delivery", JUNE),
        (BATAM, "followed_up_count", 1, 2, 3, "late_delivery", JUNE),
        (BATAM, "received_count", 1, 3, 4, "late_delivery", JUNE),
        (BATAM, "routed_count", 1, 3, 4, "late_delivery", JUNE),
        (KARIMUN, "completed_count", 1, 1, 0, "correction", JUNE),
    ]
    assert restatements(world) == sorted(known_better)
    # How far it has got meanwhile: #3 completed, #1 reopened.
    assert (
        world.value(
            f"select completed_count from marts.rpt_agency_performance_monthly where agency_code = '{BATAM}' and month = '2021-05-01'"
        )
        == 3
    )
    world.publish()

    # From now on a complaint that closed itself is not completed: #2. Nothing was delivered.
    world.run("update staging.event_types set status_after = 'DIPROSES' where event_type = 'SELESAI_OTOMATIS'")
    dbt("build", *VALUES_AGAIN)
    assert restatements(world) == sorted([*known_better, (BATAM, "completed_count", 2, 3, 2, "rule_change", JUNE)])

    # Rebuilt, the night of May says what was published then: the figures, and that nothing had been restated.
    # (That the facts and reports are those of then too, test_incremental_builds.py shows.)
    dbt("build", *NO_TESTS, "--select", *THE_LOG, "--vars", f"{{as_of: {MAY}, schema_prefix: as_of_}}")
    assert log_and_report(world, "as_of_marts") == published


def may_closes(world: RawWorld) -> None:
    world.open(MAY)
    world.delivery(MAY, BATAM)
    world.complaint(MAY, BATAM, "#1", [RECEIVED, ROUTED, COMPLETED])
    world.complaint(MAY, BATAM, "#2", [RECEIVED, ROUTED, COMPLETED_BY_ITSELF])
    world.complaint(MAY, BATAM, "#3", [RECEIVED, ROUTED])
    world.delivery(MAY, KARIMUN)
    world.complaint(MAY, KARIMUN, "#4", [RECEIVED, ROUTED, COMPLETED])


def june_knows_better(world: RawWorld) -> None:
    world.open(JUNE)
    world.delivery(JUNE, BATAM)
    # Work that went on: reopened, completed, and one more received. None of it was so in May.
    world.event(JUNE, BATAM, "#1", 4, "BUKA_KEMBALI", "2021-06-01 09:00")
    world.event(JUNE, BATAM, "#3", 3, "SELESAI_MANUAL", "2021-06-01 09:00")
    world.complaint(JUNE, BATAM, "#6", [("MASUK", "2021-06-01 09:00")])
    # Told late.
    world.complaint(JUNE, BATAM, "#5", [RECEIVED, ROUTED, COMPLETED])
    # Told differently: what had been told as completion was an answer.
    world.delivery(JUNE, KARIMUN)
    world.event(JUNE, KARIMUN, "#4", 3, "TINDAK_LANJUT", COMPLETED[1])


def log_and_report(world: RawWorld, schema: str) -> dict[str, list[tuple[str]]]:
    """Every row of the log and of the report made from it, as text."""
    return {
        name: world.run(f"select rows::text from {schema}.{name} as rows order by 1")
        for name in ("fct_published_figures", "rpt_restatements")
    }


def figures(world: RawWorld) -> dict[str, dict[str, int]]:
    """Figures of the agencies that had anything, as published first."""
    told = world.run(
        "select agency_code, figure, value from marts.fct_published_figures where version = 1 and month = '2021-05-01'"
    )
    return {
        agency: {figure: value for code, figure, value in told if code == agency}
        for agency in sorted({code for code, _, value in told if value})
    }


def restatements(world: RawWorld) -> list[tuple[object, ...]]:
    """Agency, figure, number of the restatement, before, after, cause, night."""
    return world.run(
        "select agency_code, figure, restatement, value_before, value_after, cause, restated_night from marts.rpt_restatements order by 1, 2, 3"
    )
