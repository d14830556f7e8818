"""Nobody in the simulator can be a real person, and finding one outside means a leak."""

import csv
import re

import numpy as np
import pytest

from simulator import attributes, texts
from simulator.identities import Identities, draw_identities
from simulator.registry import DEFAULT_REGISTRY
from simulator.reports import read_reports
from simulator.world import World


@pytest.fixture(scope="module")
def people() -> Identities:
    return draw_identities(["21.71", "35.78", "91.71"] * 2_000, np.random.default_rng(3))


def test_no_name_is_made_of_words_anyone_uses(people: Identities) -> None:
    with (DEFAULT_REGISTRY / "agencies.csv").open(encoding="utf-8", newline="") as file:
        known = " ".join(row["name"] for row in csv.DictReader(file))
    known += " ".join(" ".join(part) for part in attributes.categories())
    known += " ".join((*attributes.LOCAL_UNITS, *attributes.CENTRAL_UNITS, *texts.OPENINGS, *texts.REQUESTS))
    known += " ".join(" ".join(problem) for problem in texts.PROBLEMS)
    words = {word.lower() for word in re.findall(r"\w+", known)}
    assert len(words) > 1_000
    tokens = {token.lower() for name in people.names for token in name.split()}
    assert len(tokens) > 500
    assert tokens & words == set()
    assert all(len(token) >= 6 for token in tokens)
    assert {len(name.split()) for name in people.names} == {2, 3}


def test_a_nik_has_the_serial_number_nobody_has(people: Identities) -> None:
    assert all(re.fullmatch(r"(2171|3578|9171)\d{8}0000", nik) for nik in people.niks)
    days = [int(nik[6:8]) for nik in people.niks]
    assert {day > 40 for day in days} == {True, False}, "women have 40 added to the day"
    assert all(1 <= day % 40 <= 31 or day in (40, 80) for day in days)
    assert all(1 <= int(nik[8:10]) <= 12 for nik in people.niks)


def test_numbers_and_addresses_are_unique(people: Identities) -> None:
    for values in (people.niks, people.phones, people.emails):
        assert len(set(values)) == len(values) == 6_000
    assert all(re.fullmatch(r"08120\d{8}", phone) for phone in people.phones)
    assert all(re.search(r"@example\.(com|org|net)$", email) for email in people.emails)


def test_texts_are_about_300_characters_and_some_give_their_author_away(region: World) -> None:
    reports = [report for agency in range(len(region.agencies)) for report in read_reports(region, agency)]
    assert len(reports) > 1_000
    lengths = [len(report.body) for report in reports]
    assert 250 < np.mean(lengths) < 400
    signed = [report for report in reports if report.reporter.name in report.body]
    assert len(signed) / len(reports) == pytest.approx(0.12, abs=0.03)
    assert any(report.is_anonymous for report in signed), "anonymous to the agency, yet signed"
    for value in ("nik", "phone", "email"):
        assert any(getattr(report.reporter, value) in report.body for report in reports), value
    assert any(re.search(r"nomor #\d{7}", report.body) for report in reports)
