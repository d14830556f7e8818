"""Small cells stay hidden: nothing that is shown, in one issue or several, gives them away."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.suppression import Cell, decide, recoverable

FAMILY = "received_by_agency_month"


def cell(members: str, count: int, *, hidden: bool = False) -> Cell:
    """A cell of the members named, a space between them."""
    return Cell(FAMILY, frozenset(members.split()), count, hidden)


def hidden_of(cells: Iterable[Cell]) -> set[str]:
    """The members of what is hidden, as `cell` takes them."""
    return {" ".join(sorted(one.members)) for one in cells if one.is_hidden}


def table(rows: dict[str, list[int]], names: str) -> list[Cell]:
    """A table of counts with the totals of its rows and columns and of all."""
    bases = {(row, name): count for row, counts in rows.items() for name, count in zip(names, counts, strict=True)}
    sums = [
        *(({key}) for key in bases),
        *({key for key in bases if key[0] == row} for row in rows),
        *({key for key in bases if key[1] == name} for name in names),
        set(bases),
    ]
    return [Cell(FAMILY, frozenset("".join(key) for key in keys), sum(bases[key] for key in keys)) for keys in sums]


# ---------------------------------------------------------------------------------------------------- the auditors


def follows_by_elimination(cells: Sequence[Cell]) -> list[Cell]:
    """Hidden cells that are a rational combination of shown ones: exact elimination, another way than the code's."""
    members = sorted({member for one in cells for member in one.members})
    pivots: dict[int, list[Fraction]] = {}

    def reduce(one: Cell) -> list[Fraction]:
        vector = [Fraction(int(member in one.members)) for member in members]
        for place, row in sorted(pivots.items()):
            if vector[place]:
                factor = vector[place]
                vector = [left - factor * right for left, right in zip(vector, row, strict=True)]
        return vector

    for one in cells:
        if not one.is_hidden:
            vector = reduce(one)
            first = next((place for place, value in enumerate(vector) if value), None)
            if first is not None:
                pivots[first] = [value / vector[first] for value in vector]
    return [one for one in cells if one.is_hidden and not any(reduce(one))]


def follows_by_trying_all(cells: Sequence[Cell], lowest: int) -> list[Cell]:
    """Hidden base cells that count the same in every table of whole numbers, hidden ones `lowest` or more, that fits."""
    unknown = sorted({member for one in cells if one.is_hidden and len(one.members) == 1 for member in one.members})
    known = {min(one.members): one.count for one in cells if len(one.members) == 1 and not one.is_hidden}
    sums = [
        (one.members & set(unknown), one.count - sum(known.get(member, 0) for member in one.members))
        for one in cells
        if not one.is_hidden and len(one.members) > 1
    ]
    highest = {member: min((rest for part, rest in sums if member in part), default=12) for member in unknown}
    possible: dict[str, set[int]] = {member: set() for member in unknown}
    for counts in product(*(range(lowest, highest[member] + 1) for member in unknown)):
        tried = dict(zip(unknown, counts, strict=True))
        if all(sum(tried[member] for member in part) == rest for part, rest in sums):
            for member, count in tried.items():
                possible[member].add(count)
    return [one for one in cells if one.is_hidden and len(one.members) == 1 and len(possible[min(one.members)]) == 1]


def test_the_auditors_find_what_is_given_away() -> None:
    row = [cell("a", 3, hidden=True), cell("b", 7), cell("a b", 10)]
    assert hidden_of(follows_by_elimination(row)) == {"a"}
    assert hidden_of(follows_by_trying_all(row, lowest=1)) == {"a"}
    ones = [cell("a", 1, hidden=True), cell("b", 1, hidden=True), cell("a b", 2)]
    assert not follows_by_elimination(ones)
    assert hidden_of(follows_by_trying_all(ones, lowest=1)) == {"a", "b"}


# ---------------------------------------------------------------------------------------------------- one issue


def test_counts_of_one_to_four_are_hidden_and_zero_and_five_are_not() -> None:
    decided = decide([cell("a", 0), cell("b", 1), cell("c", 4), cell("d", 5)])
    assert [one.is_hidden for one in decided] == [False, True, True, False]


def test_a_total_that_is_shown_needs_a_second_hidden_cell_the_smallest_that_may() -> None:
    decided = decide([cell("a", 3), cell("b", 9), cell("c", 7), cell("d", 0), cell("a b c d", 19)])
    assert hidden_of(decided) == {"a", "c"}  # 19 - 9 - 0 leaves 10 for two, of which neither follows


def test_two_small_cells_that_come_to_less_than_five_need_a_third() -> None:
    decided = decide([cell("a", 2), cell("b", 2), cell("c", 6), cell("d", 30), cell("a b c d", 40)])
    assert hidden_of(decided) == {"a", "b", "c"}  # 40 - 30 - 6 would say that four people stand behind a and b


@pytest.mark.parametrize("count", [1, 4])
def test_cells_all_at_the_same_limit_would_follow_from_their_number(count: int) -> None:
    row = [
        *(cell(name, count) for name in "abcdef"),
        cell("g", 8),
        cell("h", 9),
        cell("a b c d e f g h", 6 * count + 17),
    ]
    assert hidden_of(decide(row)) == {"a", "b", "c", "d", "e", "f", "g"}


def test_a_small_total_is_hidden_with_its_parts() -> None:
    decided = decide([cell("a", 3), cell("b", 0), cell("a b", 3), cell("c", 8), cell("d", 9), cell("a b c d", 20)])
    assert hidden_of(decided) == {"a", "a b", "c"}


def test_in_a_table_with_both_totals_a_rectangle_is_hidden() -> None:
    """x1 = 3 alone; y is the smallest of its row, z of its column, and the fourth corner closes the rectangle."""
    cells = table({"x": [3, 9, 20], "y": [8, 10, 21], "z": [30, 31, 32]}, "123")
    decided = decide(cells)
    assert hidden_of(decided) == {"x1", "x2", "y1", "y2"}
    assert not recoverable(decided)


def test_many_small_leaves_go_before_a_total_that_readers_need() -> None:
    """b stands in four more totals; in each a cell of 6 can be hidden with it. The province would be hidden alone."""
    province = [cell("a", 3), cell("b", 30), cell("a b", 33)]
    others = [part for name in "wxyz" for part in (cell(name, 6), cell(f"b {name}", 36))]
    decided = decide([*province, *others])
    assert hidden_of(decided) == {"a", "b", "w", "x", "y", "z"}
    assert not follows_by_elimination(decided)


def test_a_leaf_that_is_known_all_the_same_is_not_hidden_in_vain() -> None:
    """b follows from what was shown before of b and e together; c is larger, and serves."""
    earlier = [cell("e", 9), cell("b e", 16)]
    decided = decide([cell("a", 3), cell("b", 7), cell("c", 12), cell("a b c", 22)], earlier)
    assert hidden_of(decided) == {"a", "c"}


def test_a_hidden_agency_does_not_follow_from_province_kind_and_nation() -> None:
    """Two provinces by two kinds, a regency and a city of each: the table's corners stand in for agencies."""
    cells = table({"p": [2, 40], "q": [50, 60]}, "rc")
    decided = decide(cells)
    assert "pr" in hidden_of(decided)
    assert "pc pr qc qr" not in hidden_of(decided)
    assert not follows_by_elimination(decided)


def test_six_cells_around_a_hexagon_cannot_be_pinned_by_two_ones() -> None:
    """Every line of two sums to 6 or more, no line gives a cell away, and yet each 1 keeps the other from moving."""
    cells = table({"x": [1, 5, 50], "y": [50, 5, 1], "z": [5, 50, 5]}, "123")
    six = [
        Cell(FAMILY, one.members, one.count, one.members in [{"x1"}, {"x2"}, {"y2"}, {"y3"}, {"z3"}, {"z1"}])
        for one in cells
    ]
    assert not follows_by_elimination(six)
    assert hidden_of(follows_by_trying_all(six, lowest=1)) == hidden_of(six) == hidden_of(recoverable(six))
    assert not recoverable(decide(cells))


def test_three_ways_through_a_cube() -> None:
    """Agency, month, category, with all three kinds of marginal tables: only a cube of eight hides one cell."""
    bases = {"".join(key): 10 + place for place, key in enumerate(product("ab", "12", "xy"))} | {"a1x": 2}
    margins = [
        {base for base in bases if base[left] == first and base[right] == second}
        for left, right in ((0, 1), (0, 2), (1, 2))
        for first, second in {(base[left], base[right]) for base in bases}
    ]
    cells = [Cell(FAMILY, frozenset([base]), count) for base, count in bases.items()]
    cells += [Cell(FAMILY, frozenset(members), sum(bases[base] for base in members)) for members in margins]
    decided = decide(cells)
    assert "a1x" in hidden_of(decided)
    assert not follows_by_elimination(decided)
    assert not recoverable(decided)


def test_what_is_hidden_stays_hidden_beside_cells_of_another_family() -> None:
    other = Cell("secret_by_agency_month", frozenset({"a"}), 3)
    decided = decide([cell("a", 9), other])
    assert [one.is_hidden for one in decided] == [False, True]  # 9 received, and of 3 of them the content is secret


def test_the_order_of_the_cells_changes_nothing() -> None:
    cells = table({"x": [3, 9, 9], "y": [9, 9, 1], "z": [9, 9, 9]}, "123")
    assert hidden_of(decide(cells)) == hidden_of(decide(cells[::-1])) == hidden_of(decide(cells[5:] + cells[:5]))


def test_a_cell_that_stands_in_two_tables_is_one_cell() -> None:
    decided = decide([cell("a", 3), cell("b", 8), cell("a b", 11), cell("a", 3), cell("b", 8)])
    assert [one.is_hidden for one in decided] == [True, True, False, True, True]


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ([cell("a", -1)], "a (1 members) counts -1"),
        ([cell("", 3)], "(0 members) counts 3"),
        ([cell("a b", 7), cell("b a", 6)], "a, b (2 members) counts 6, and 7 where it stands first"),
    ],
    ids=["negative", "of nothing", "two counts of one cell"],
)
def test_cells_that_cannot_be_are_refused_by_name(cells: list[Cell], told: str) -> None:
    with pytest.raises(ValueError, match="received_by_agency_month") as refused:
        decide(cells)
    assert told in str(refused.value)


# ---------------------------------------------------------------------------------------------------- several issues


def test_a_quarter_does_not_give_away_its_one_hidden_month() -> None:
    """20 - 9 - 8 = 3. The months were shown and cannot be taken back, so the quarter is hidden; the semester is not."""
    months = decide([cell("jan", 9)]) + decide([cell("feb", 8)]) + decide([cell("mar", 3)])
    assert hidden_of(months) == {"mar"}
    quarter = decide([cell("feb jan mar", 20)], months)
    assert hidden_of(quarter) == {"feb jan mar"}
    second = decide([cell("apr", 9), cell("may", 2), cell("jun", 4)], months + quarter)
    semester = decide([cell("apr jun may", 15), cell("apr feb jan jun mar may", 35)], months + quarter + second)
    assert hidden_of(semester) == {
        "apr jun may"
    }  # 35 - 9 - 8 - 9 leaves 9 for mar, may and jun; 15 - 9 leaves 6 for two


def test_a_cell_that_hid_another_stays_hidden_in_the_next_issue() -> None:
    first = decide([cell("a", 3), cell("b", 7), cell("c", 9), cell("a b c", 19)])
    assert hidden_of(first) == {"a", "b"}
    again = decide([cell("b", 7), cell("d", 9)], first)
    assert hidden_of(again) == {"b"}  # 19 - 9 - 7 = 3
    assert hidden_of(decide([cell("b", 7), cell("d", 9)])) == set()


def test_a_total_is_hidden_when_the_parts_were_shown_before() -> None:
    first = decide([cell("a", 3), cell("b", 7), cell("c", 9)])
    later = decide([cell("a b c", 19), cell("a b c d", 40)], first)
    assert hidden_of(later) == {"a b c"}


def test_parts_are_hidden_when_the_total_was_shown_before() -> None:
    """A quarter of 20 is out; each month comes with the next issue."""
    issues = decide([cell("jan feb mar", 20)])
    issues += decide([cell("jan", 3)], issues)
    issues += decide([cell("feb", 8)], issues)
    issues += decide([cell("mar", 9)], issues)
    assert hidden_of(issues) == {"jan", "mar"}  # feb alone leaves 12 for two; with mar it would leave jan's 3
    assert not follows_by_elimination(issues)


def test_a_part_that_would_leave_less_than_five_for_others_is_hidden() -> None:
    issues = decide([cell("jan feb mar", 9)])
    issues += decide([cell("jan", 3)], issues)
    assert hidden_of(decide([cell("feb", 6)], issues)) == {"feb"}  # 9 - 6 = 3 for jan and mar, which is not told yet


def test_what_follows_without_being_told_leaves_a_smaller_rest() -> None:
    """x is (13 + 14 - 15) / 2 = 6, which nobody needs to hide; 10 - 6 would leave the 4 of a and b together."""
    earlier = [cell("x y", 13), cell("x z", 14), cell("y z", 15)]
    assert hidden_of(decide([cell("a", 2), cell("b", 2), cell("a b x", 10)], earlier)) == {"a", "b", "a b x"}


def test_a_zero_is_hidden_where_nothing_else_is_left() -> None:
    """Earlier issues not made by these rules showed the quarter and february; march says the rest."""
    earlier = [cell("jan feb mar", 8), cell("jan", 3, hidden=True), cell("feb", 5)]
    assert hidden_of(decide([cell("mar", 0)], earlier)) == {"mar"}


def test_a_count_restated_from_six_to_four_is_protected_like_any_other() -> None:
    """b and c were shown and are the same; only the new total of 17 says that a is 4 now. The old total was 19."""
    first = decide([cell("a", 6), cell("b", 7), cell("c", 6), cell("a b c", 19)])
    assert hidden_of(first) == set()
    restated = decide([cell("a", 4), cell("b", 7), cell("c", 6), cell("a b c", 17)], first)
    assert hidden_of(restated) == {"a", "a b c"}
    assert not recoverable(restated, first)


def test_a_restated_neighbour_is_taken_as_unchanged() -> None:
    """b hid a, and was restated from 8 to 9: whoever guesses that it is still 8 finds 19 - 8 - 8 = 3."""
    first = decide([cell("a", 3), cell("b", 8), cell("c", 8), cell("a b c", 19)])
    assert hidden_of(first) == {"a", "b"}
    assert hidden_of(decide([cell("b", 9)], first)) == {"b"}


def test_what_earlier_issues_give_away_by_themselves_hides_nothing_more() -> None:
    earlier = [cell("a", 3, hidden=True), cell("b", 9), cell("a b", 12)]
    decided = decide([cell("a", 3), cell("c", 8), cell("a b c", 20)], earlier)
    assert hidden_of(decided) == {"a"}
    assert hidden_of(recoverable([*earlier, *decided])) == {"a"}


def test_the_auditor_reads_issues_together() -> None:
    first, second = cell("a", 7, hidden=True), cell("a", 7)
    assert recoverable([first]) == []
    assert recoverable([first, second]) == [first]


# ---------------------------------------------------------------------------------------------------- any table

AGENCIES = [f"{kind}{province}{number}" for province in "pq" for kind in "rc" for number in "12"]
MONTHS = ("jan", "feb", "mar")
PERIODS = [*((month,) for month in MONTHS), MONTHS]
counts = st.one_of(st.integers(0, 6), st.integers(0, 40))


def issue(counted: dict[tuple[str, str], int], period: Sequence[str], groups: Iterable[str]) -> list[Cell]:
    """What a report on the period shows: its agencies, provinces, kinds or nation, as the groups say."""
    of = {
        "agencies": [{agency} for agency in AGENCIES],
        "provinces": [{agency for agency in AGENCIES if agency[1] == province} for province in "pq"],
        "kinds": [{agency for agency in AGENCIES if agency[0] == kind} for kind in "rc"],
        "nation": [set(AGENCIES)],
    }
    keys = [[(agency, month) for agency in agencies for month in period] for group in groups for agencies in of[group]]
    return [Cell(FAMILY, frozenset(map("/".join, part)), sum(counted[key] for key in part)) for part in keys]


def test_who_sees_a_part_only_keeps_hidden_what_was_hidden_for_the_sake_of_another() -> None:
    """May of `a` was hidden so that another's does not follow from a total that is not in view here."""
    issues = [replace(cell("may", 5), is_hidden=True), cell("apr may", 16)]
    assert hidden_of(decide([cell("apr", 11), cell("may", 5)], issues)) == {"apr", "may"}


@given(
    st.lists(counts, min_size=24, max_size=24),
    st.permutations(PERIODS),
    st.lists(
        st.sets(st.sampled_from(["agencies", "provinces", "kinds", "nation"]), min_size=1), min_size=4, max_size=4
    ),
)
@settings(max_examples=40)
def test_no_small_cell_follows_from_any_issues_in_any_order(
    numbers: list[int], periods: list[Sequence[str]], groups: list[set[str]]
) -> None:
    counted = dict(zip(product(AGENCIES, MONTHS), numbers, strict=True))
    issued: list[Cell] = []
    for period, of in zip(periods, groups, strict=True):
        issued += decide(issue(counted, period, sorted(of)), issued)
    assert all(one.is_hidden for one in issued if 0 < one.count < 5)
    assert [one for one in follows_by_elimination(issued) if 0 < one.count < 5] == []
    assert [one for one in recoverable(issued) if 0 < one.count < 5] == []


@given(st.lists(st.integers(0, 6), min_size=9, max_size=9))
@settings(max_examples=40)
def test_no_small_cell_of_a_table_is_the_only_one_that_fits(numbers: list[int]) -> None:
    cells = decide(table({"x": numbers[:3], "y": numbers[3:6], "z": numbers[6:]}, "123"))
    leaves = [one for one in cells if one.is_hidden and len(one.members) == 1]
    assert not follows_by_elimination(cells)
    if len(leaves) <= 5:  # more would be too many to try
        assert [one for one in follows_by_trying_all(cells, lowest=1) if one.count] == []


@given(st.lists(st.integers(0, 30), min_size=2, max_size=12))
def test_a_row_with_its_total_loses_at_most_one_cell_more(numbers: list[int]) -> None:
    row = [cell(f"a{place:02}", number) for place, number in enumerate(numbers)]
    decided = decide([*row, Cell(FAMILY, frozenset().union(*(one.members for one in row)), sum(numbers))])
    small = sum(0 < one.count < 5 for one in decided)
    assert small <= sum(one.is_hidden for one in decided) <= small + 1


def test_a_nation_of_two_hundred_agencies_loses_little_beside_its_small_cells() -> None:
    """Half of them get less than five complaints a month, as most do; provinces, kinds, months and the quarter shown."""
    draw = random.Random(20210701)
    agencies = {f"A{number:03}": (number % 12, number % 5) for number in range(200)}
    received = {(agency, month): int(draw.paretovariate(0.7)) - 1 for agency in agencies for month in MONTHS}
    groups: dict[object, set[str]] = {}
    for (agency, month), (months, place) in product(received, ((1, 0), (3, 1))):
        of = month if months == 1 else "Q1"
        for group in (
            ("agency", agency),
            ("province", agencies[agency][0]),
            ("kind", agencies[agency][1]),
            ("nation",),
        ):
            groups.setdefault((group, of, place), set()).add(f"{agency}/{month}")
    cells = [
        Cell(FAMILY, frozenset(members), sum(received[tuple(member.split("/"))] for member in members))
        for members in groups.values()
    ]
    decided = decide(cells)
    small = sum(0 < one.count < 5 for one in cells)
    assert small > 150
    assert not recoverable(decided)
    assert sum(one.is_hidden for one in decided) < 1.35 * small
    assert not any(one.is_hidden for one in decided if len(one.members) >= 200)
