"""Columns that need the dates or scales of a seed: added to a frame after it is read, before it is judged."""

from collections.abc import Mapping, Sequence
from datetime import date

import pandas as pd

from quality.bounds import Bounds
from quality.references import Period, References


def add_what_was_in_force(frame: pd.DataFrame, references: References, _bounds: Bounds) -> pd.DataFrame:
    """The complaints frame with region_is_in_force and category_is_in_force: on the day of receipt.

    True where the code is in no seed (another rule says so) or the day is not known.
    """
    return frame.assign(
        region_is_in_force=_in_force(frame["kemendagri_code"], frame["received_date"], references.regions),
        category_is_in_force=_in_force(frame["category"], frame["received_date"], references.categories),
    )


def add_survey_scale(frame: pd.DataFrame, references: References, bounds: Bounds) -> pd.DataFrame:
    """The surveys frame with scores_are_on_scale (the survey's own, else that of bounds.yml) and attributes_are_known.

    The attributes of a survey whose attributes no seed lists are not judged.
    """
    surveys = frame["survey_code"].astype(object)
    lowest = surveys.map({code: low for code, (low, _) in references.scales.items()})
    highest = surveys.map({code: high for code, (_, high) in references.scales.items()})
    is_off = (
        (frame["lowest_score"] < lowest.fillna(bounds.survey_lowest_score).astype(float))
        | (frame["highest_score"] > highest.fillna(bounds.survey_highest_score).astype(float))
        | (frame["scores_no_number"] > 0)
    )
    # There are many respondents and few sets of attributes.
    odd = {
        answered
        for answered in frame[["survey_code", "attributes"]].drop_duplicates().itertuples(index=False, name=None)
        if not _are_known(answered[0], answered[1], references)
    }
    answered = zip(frame["survey_code"], frame["attributes"], strict=True)
    return frame.assign(
        scores_are_on_scale=~is_off.fillna(False).astype(bool),
        attributes_are_known=[pair not in odd for pair in answered],
    )


def _are_known(survey: object, attributes: object, references: References) -> bool:
    if not isinstance(survey, str) or not isinstance(attributes, str):
        return True
    is_described = any(known.startswith(f"{survey} ") for known in references.attributes)
    return not is_described or {f"{survey} {name}" for name in attributes.split(",")} <= references.attributes


def _in_force(codes: pd.Series, days: pd.Series, periods: Mapping[str, Sequence[Period]]) -> pd.Series:
    """Whether each code was in force on its day; only codes that began or ended after the seed's start are looked at.

    The seed's first date is where its knowledge starts, not where codes do.
    """
    first = min((begin for spans in periods.values() for begin, _ in spans), default=date.min)
    dated = [code for code, spans in periods.items() if any(end or begin > first for begin, end in spans)]
    rows = codes.isin(dated) & days.notna()
    ended = [
        row
        for row, code, day in zip(codes.index[rows], codes[rows], days[rows], strict=True)
        if not any((begin == first or begin <= day) and (end is None or day < end) for begin, end in periods[code])
    ]
    return pd.Series(~codes.index.isin(ended), index=codes.index)
