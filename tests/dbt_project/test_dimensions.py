"""What changes in the dimensions, and what must not: provinces split, their regencies stay; topics come and go, their sectors stay."""

from tests.dbt_project.test_seeds import rows_of

BEFORE, AFTER = "2021-06-30", "2023-01-01"
PAPUA_THEN, PAPUA_NOW = {"91", "92"}, {"91", "92", "93", "94", "95", "96"}


def regencies(of: set[str], on: str) -> dict[str, dict[str, str]]:
    """Regencies of provinces on a day, by name (their codes change with the province)."""
    return {row["name"]: row for row in rows_of("regions", on) if row["province_code"] in of}


def test_the_regencies_of_papua_are_the_same_42_under_two_provinces_and_under_six() -> None:
    then, now = regencies(PAPUA_THEN, BEFORE), regencies(PAPUA_NOW, AFTER)
    assert len(then) == 42
    assert set(then) == set(now)
    moved = {name for name, row in then.items() if now[name]["province_code"] != row["province_code"]}
    assert len(moved) == 26
    assert (then["Kabupaten Merauke"]["province_code"], now["Kabupaten Merauke"]["province_code"]) == ("91", "93")
    # A complaint has one place on every day: the old row ends as the new one begins, with the same people.
    for name in moved:
        assert then[name]["valid_to"] == now[name]["valid_from"]
        assert then[name]["population"] == now[name]["population"]
        assert then[name]["kemendagri_code"] != now[name]["kemendagri_code"]
    for name in set(then) - moved:
        assert then[name] == now[name]


def test_the_split_changes_no_other_province() -> None:
    def others(on: str) -> list[dict[str, str]]:
        return [row for row in rows_of("regions", on) if row["kemendagri_code"][:2] not in PAPUA_NOW]

    assert len({row["kemendagri_code"][:2] for row in others(BEFORE)}) == 32
    assert others(BEFORE) == others(AFTER)


def test_the_labels_of_a_main_category_share_its_sector() -> None:
    rows = rows_of("categories")
    sector = {row["category_main"]: row["sector"] for row in rows if not row["category_label"]}
    assert len(sector) > 30
    assert [row for row in rows if row["sector"] != sector[row["category_main"]]] == []
