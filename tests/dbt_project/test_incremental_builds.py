"""A build computes what changed, and ends with the same marts as computing everything."""

from datetime import date

from tests.dbt_project.conftest import Dbt
from tests.dbt_project.raw_world import BATAM, KARIMUN, PUPR, RawWorld

FIRST, SECOND = date(2021, 6, 29), date(2021, 6, 30)
IN_A_PROGRAMME = {"category_main": "PENDIDIKAN DAN KEBUDAYAAN", "category_label": "KARTU INDONESIA PINTAR/KIP"}
NO_UNIT_TESTS = ("--exclude-resource-type", "unit_test")
QUICK = (*NO_UNIT_TESTS, "--exclude-resource-type", "seed")
NO_TESTS = ("--exclude-resource-type", "test")  # where only the values are asked about


def checksums(world: RawWorld, schema: str = "marts") -> dict[str, tuple[int, str]]:
    """Rows and a checksum of every table of a schema, whatever order the rows stand in."""
    tables = [
        name for (name,) in world.run("select tablename from pg_tables where schemaname = %s order by 1", (schema,))
    ]
    assert len(tables) > 10
    return {
        name: world.run(
            f"select count(*), coalesce(md5(string_agg(line, ';' order by line)), '') from (select rows::text as line from {schema}.{name} as rows) as lines"
        )[0]
        for name in tables
    }


def test_incremental_builds_equal_a_full_refresh(world: RawWorld, dbt: Dbt) -> None:
    first_night(world)
    dbt("build", "--exclude-resource-type", "unit_test")
    world.publish()
    assert world.value("select count(*) from marts.fct_complaints") == 8
    assert last_tenth(world) == [(12,)]
    assert world.value("select count(*) from marts.rpt_ksp_longest_open") == 2
    assert world.run(
        "select first_response_outcome, is_first_response_due from marts.fct_assignments where tracking_id = '#4'"
    ) == [("not_yet_due", False)]
    assert told_before(world) == {("#8", "#5", False)}
    assert world.run("select tracking_id, stars from marts.fct_ratings") == [("#3", 4)]
    published_then = checksums(world)
    written_then = written_by(world, "#1")

    second_night(world)
    dbt("build", *QUICK)
    after_second = checksums(world)
    # Of the four events of #1 the first came out as it stood: it alone was not written again.
    assert written_by(world, "#1").items() & written_then.items() == {(1, written_then[1])}
    changed = {row[0] for row in world.run("select tracking_id from intermediate.int_changed_complaints")}
    # Delivered, moved to another agency, fallen due, new, new; not the other three.
    assert changed == {"#1", "#2", "#4", "#7", "#11"}
    assert world.value("select first_response_outcome from marts.fct_assignments where tracking_id = '#4'") == "missed"
    assert march(world) == [(1,)]
    # Nothing happened to Karimun's June but a day: of two cases one waits longer than the other took.
    assert last_tenth(world) == [(None,)]
    assert after_second["fct_complaints"] != published_then["fct_complaints"]

    # Built, not published: building again redoes the night to the same end.
    dbt("build", *QUICK, *NO_TESTS)
    assert checksums(world) == after_second
    world.publish()

    # Rebuilt in schemas of its own, the first night is what was published then, and the ledger and the marts are as they were.
    dbt("build", *NO_UNIT_TESTS, *NO_TESTS, "--vars", f"{{as_of: {FIRST}, schema_prefix: as_of_}}")
    assert checksums(world, "as_of_marts") == published_then
    assert checksums(world) == after_second
    assert world.value("select count(*) from ops.nights where built_seq > published_seq") == 0

    # Nothing changed: nothing is worked on.
    dbt("build", *QUICK, *NO_TESTS)
    assert world.value("select count(*) from intermediate.int_changed_complaints") == 0
    assert checksums(world) == after_second

    # The second night is taken again without #11, and the build is killed between the facts and the reports: the next one must
    # know of the month and the days that #11 has left.
    world.take_back(SECOND, KARIMUN, "#11")
    dbt("run", "--select", "+fct_complaints")
    dbt("build", *QUICK)
    assert march(world) == []
    world.publish()

    # The first night is corrected: a delivery taken again without a complaint, a month of receipt corrected, a held delivery released.
    corrections(world)
    dbt("build", *QUICK)
    corrected = checksums(world)
    assert world.value("select count(*) from marts.fct_complaints where tracking_id = '#5'") == 0
    assert world.value("select count(*) from marts.fct_complaints where tracking_id = '#6'") == 1
    # #7 was delivered on the second night, which nobody touched: what its reporter told before has been let in.
    assert told_before(world) == {("#7", None, True), ("#9", None, True)}
    assert world.value("select count(*) from marts.fct_ratings") == 0
    assert world.run(
        "select received_count from marts.rpt_agency_performance_monthly where agency_code = %s order by month",
        (KARIMUN,),
    ) == [(0,), (1,), (3,)]

    refused = dbt("run", "--full-refresh", "--select", "fct_complaints", check=False)
    assert refused.returncode != 0
    assert "dbt build --full-refresh" in refused.stdout
    assert checksums(world) == corrected
    a_full_refresh_changes_nothing(world, dbt)


def test_a_changed_rule_makes_everything_anew(world: RawWorld, dbt: Dbt) -> None:
    by_old_rule = checksums(world)
    assert by_old_rule["fct_assignments"][0] > 5
    world.run("update staging.sla_rules set limit_count = 3 where rule_code = 'TINDAK_LANJUT'")
    # Killed when it had only found out that it has to: the next build must still know.
    dbt("run", "--select", "int_build_scope")
    dbt("build", *QUICK, *NO_TESTS)
    assert world.run("select is_full, is_complete from intermediate.int_build_scope") == [(True, True)]
    by_new_rule = checksums(world)
    assert by_new_rule["fct_assignments"] != by_old_rule["fct_assignments"]

    dbt("build", "--full-refresh", *QUICK, *NO_TESTS)
    assert checksums(world) == by_new_rule

    # It is published, so its lists of what was worked on are done with: a mart built alone finds nothing to do.
    world.publish()
    dbt("run", "--select", "fct_complaints", "fct_ratings")
    assert checksums(world) == by_new_rule

    # An earlier release had a view where there is a table filled by changes now: it is made from everything.
    at_publication = checksums(world, "intermediate")["int_published_assignments"]
    assert at_publication[0] > 5
    world.run("drop table intermediate.int_published_assignments")
    world.run("create view intermediate.int_published_assignments as select 'lapor' as source_system")
    world.run("alter view intermediate.int_published_assignments owner to transformer")
    dbt("run", "--select", "+int_published_assignments")
    assert checksums(world, "intermediate")["int_published_assignments"] == at_publication


def a_full_refresh_changes_nothing(world: RawWorld, dbt: Dbt) -> None:
    built, at_publication = checksums(world), checksums(world, "intermediate")["int_published_assignments"]
    # All came in until June, which is published.
    assert at_publication[0] == world.value("select count(*) from marts.fct_assignments")
    dbt("build", "--full-refresh", *NO_UNIT_TESTS, *NO_TESTS)  # the tests passed over the same tables a moment ago
    assert checksums(world) == built
    assert checksums(world, "intermediate")["int_published_assignments"] == at_publication


def told_before(world: RawWorld) -> set[tuple[str, str | None, bool]]:
    """Complaints that their reporter had told before, what they are a duplicate of, and whether they are a repeat."""
    rows = world.run(
        "select tracking_id, duplicate_of, is_repeat from marts.fct_complaints where is_duplicate or is_repeat"
    )
    return {(tracking_id, duplicate_of, is_repeat) for tracking_id, duplicate_of, is_repeat in rows}


def written_by(world: RawWorld, tracking_id: str) -> dict[int, str]:
    """The transaction that wrote each event of a complaint, by the event's number."""
    return dict(
        world.run("select event_seq, xmin::text from marts.fct_complaint_events where tracking_id = %s", (tracking_id,))
    )


def march(world: RawWorld) -> list[tuple[int, ...]]:
    """What the report says of Karimun's March, in which only #11 came in."""
    return world.run(
        "select received_count from marts.rpt_agency_performance_monthly where agency_code = %s and month = '2021-03-01'",
        (KARIMUN,),
    )


def last_tenth(world: RawWorld) -> list[tuple[int | None]]:
    """Working days until nine tenths of what Karimun was sent in June were completed; None while too many wait."""
    return world.run(
        "select completion_working_days_p90 from marts.rpt_agency_performance_monthly where agency_code = %s and month = '2021-06-01'",
        (KARIMUN,),
    )


def first_night(world: RawWorld) -> None:
    world.open(FIRST)
    world.delivery(FIRST, BATAM)
    world.complaint(
        FIRST, BATAM, "#1", [("MASUK", "2021-06-10 09:00"), ("DISPOSISI", "2021-06-11 09:00")], **IN_A_PROGRAMME
    )
    world.complaint(
        FIRST,
        BATAM,
        "#2",
        [("MASUK", "2021-06-14 09:00"), ("DISPOSISI", "2021-06-15 09:00"), ("BUKAN_WEWENANG", "2021-06-16 09:00")],
    )
    world.complaint(
        FIRST,
        BATAM,
        "#3",
        [("MASUK", "2021-05-03 09:00"), ("DISPOSISI", "2021-05-04 09:00"), ("SELESAI_MANUAL", "2021-05-05 09:00")],
    )
    # Routed on Wednesday the 23rd: five working days end on the second night.
    world.complaint(
        FIRST, BATAM, "#4", [("MASUK", "2021-06-22 09:00"), ("DISPOSISI", "2021-06-23 09:00")], **IN_A_PROGRAMME
    )
    # One reporter told Batam and, an hour later, Karimun.
    world.complaint(FIRST, BATAM, "#5", [("MASUK", "2021-06-21 09:00")], reporter_key="one")
    world.delivery(FIRST, KARIMUN)
    world.complaint(FIRST, KARIMUN, "#8", [("MASUK", "2021-06-21 10:00")], reporter_key="one")
    # One took twelve working days, the other has waited ten: nine tenths are done after twelve, as far as can be told.
    world.complaint(
        FIRST,
        KARIMUN,
        "#12",
        [("MASUK", "2021-06-10 08:00"), ("DISPOSISI", "2021-06-10 09:00"), ("SELESAI_MANUAL", "2021-06-28 09:00")],
        report_class="PERMINTAAN_INFORMASI",
    )
    world.complaint(
        FIRST,
        KARIMUN,
        "#13",
        [("MASUK", "2021-06-14 08:00"), ("DISPOSISI", "2021-06-14 09:00")],
        report_class="PERMINTAAN_INFORMASI",
    )
    world.delivery(FIRST, PUPR, verdict="held")
    world.complaint(FIRST, PUPR, "#6", [("MASUK", "2021-06-21 09:00")], reporter_key="another")
    world.delivery(FIRST, BATAM, "ratings")
    world.rating(FIRST, BATAM, "#3", 4)
    for resource in ("units", "activity"):
        world.delivery(FIRST, BATAM, resource)
    world.unit(FIRST, BATAM, "DINKES")
    world.activity(FIRST, BATAM)


def second_night(world: RawWorld) -> None:
    world.open(SECOND)
    world.delivery(SECOND, BATAM)
    # Completed, reopened and late: a reply dated before the first night, and one event told differently.
    world.complaint(SECOND, BATAM, "#1", [], status="DIPROSES", **IN_A_PROGRAMME)
    world.event(SECOND, BATAM, "#1", 2, "DISPOSISI", "2021-06-12 09:00")
    world.event(SECOND, BATAM, "#1", 3, "SELESAI_MANUAL", "2021-06-28 09:00")
    world.event(SECOND, BATAM, "#1", 4, "BUKA_KEMBALI", "2021-06-30 09:00")
    world.delivery(SECOND, PUPR)
    world.complaint(
        SECOND,
        PUPR,
        "#2",
        [("MASUK", "2021-06-14 09:00"), ("DISPOSISI", "2021-06-30 09:00"), ("SELESAI_MANUAL", "2021-06-30 15:00")],
    )
    # Told before by its reporter, in a complaint that is held.
    world.complaint(SECOND, PUPR, "#7", [("MASUK", "2021-06-30 09:00")], reporter_key="another")
    world.delivery(SECOND, KARIMUN)
    world.complaint(SECOND, KARIMUN, "#11", [("MASUK", "2021-03-10 09:00"), ("DISPOSISI", "2021-03-11 09:00")])
    world.delivery(SECOND, BATAM, "activity")
    world.activity(SECOND, BATAM)


def corrections(world: RawWorld) -> None:
    world.take_back(FIRST, BATAM, "#5")
    world.take_back(FIRST, KARIMUN, "#8")
    world.complaint(FIRST, KARIMUN, "#8", [("MASUK", "2021-05-21 09:00")], reporter_key="one")
    world.complaint(
        FIRST, KARIMUN, "#9", [("MASUK", "2021-06-21 09:00"), ("DISPOSISI", "2021-06-21 10:00")], reporter_key="one"
    )
    world.complaint(FIRST, BATAM, "#10", [("MASUK", "2021-04-21 09:00")])
    world.run("update quality.agency_verdict set verdict = 'pass' where night = %s and agency_code = %s", (FIRST, PUPR))
    world.quarantine(FIRST, BATAM, "ratings", world.value("select row_id from raw.ratings where tracking_id = '#3'"))
    world.run("update raw.agencies set name = 'Kabupaten Karimun (baru)' where agency_code = %s", (KARIMUN,))
