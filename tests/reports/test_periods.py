"""The five kinds of period, as they are written and read."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.periods import Period


@pytest.mark.parametrize(
    ("text", "first", "last", "label", "before"),
    [
        ("2021-W25", date(2021, 6, 21), date(2021, 6, 27), "Minggu 25 2021 (21–27 Juni)", "2021-W24"),
        ("2021-W26", date(2021, 6, 28), date(2021, 7, 4), "Minggu 26 2021 (28 Juni – 4 Juli)", "2021-W25"),
        ("2020-W53", date(2020, 12, 28), date(2021, 1, 3), "Minggu 53 2020 (28 Desember – 3 Januari)", "2020-W52"),
        ("2021-W01", date(2021, 1, 4), date(2021, 1, 10), "Minggu 1 2021 (4–10 Januari)", "2020-W53"),
        ("2021-06", date(2021, 6, 1), date(2021, 6, 30), "Juni 2021", "2021-05"),
        ("2020-02", date(2020, 2, 1), date(2020, 2, 29), "Februari 2020", "2020-01"),
        ("2021-01", date(2021, 1, 1), date(2021, 1, 31), "Januari 2021", "2020-12"),
        ("2021-Q2", date(2021, 4, 1), date(2021, 6, 30), "Triwulan II 2021", "2021-Q1"),
        ("2021-Q1", date(2021, 1, 1), date(2021, 3, 31), "Triwulan I 2021", "2020-Q4"),
        ("2021-S1", date(2021, 1, 1), date(2021, 6, 30), "Semester I 2021", "2020-S2"),
        ("2021", date(2021, 1, 1), date(2021, 12, 31), "Tahun 2021", "2020"),
    ],
)
def test_a_period_is_read_labelled_and_preceded(text: str, first: date, last: date, label: str, before: str) -> None:
    period = Period.parse(text)
    assert (period.first_date, period.last_date, period.label, period.before().id) == (first, last, label, before)
    assert period.id == text


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("2021-W26", "Week 26 2021 (28 June – 4 July)"),
        ("2021-06", "June 2021"),
        ("2021-Q2", "Quarter II 2021"),
        ("2021-S2", "Half-year II 2021"),
        ("2021", "Year 2021"),
    ],
)
def test_a_period_is_labelled_in_english(text: str, label: str) -> None:
    assert Period.parse(text).label_in("en") == label


@pytest.mark.parametrize("text", ["", "2021-13", "2021-00", "2021-Q5", "2021-S3", "2021-W54", "2021-W00", "21", "2021-6", "2021-06-30", "2021-06\n", "٢٠٢١"])  # fmt: skip
def test_what_is_no_period_is_refused_with_the_five_forms(text: str) -> None:
    with pytest.raises(ValueError, match=r"2021-W25.*2021-06.*2021-Q2.*2021-S1.*2021") as refused:
        Period.parse(text)
    assert text.strip() in str(refused.value)


def test_a_week_over_the_turn_of_a_month_touches_both() -> None:
    assert Period.parse("2021-W26").months == (date(2021, 6, 1), date(2021, 7, 1))
    assert Period.parse("2020-W53").months == (date(2020, 12, 1), date(2021, 1, 1))
    assert Period.parse("2021-Q2").months == (date(2021, 4, 1), date(2021, 5, 1), date(2021, 6, 1))


@given(
    st.sampled_from(["week", "month", "quarter", "semester", "year"]), st.dates(date(2001, 1, 1), date(2099, 12, 31))
)
def test_periods_of_a_kind_follow_each_other_without_gap(kind: str, day: date) -> None:
    period = Period.containing(kind, day)  # type: ignore[arg-type]
    assert period.first_date <= day <= period.last_date
    assert Period.parse(period.id) == period
    assert period.before().last_date + timedelta(days=1) == period.first_date
