"""python -m extract check-profile FILE [--sample FILE|URL] [--connector KIND] [--agency-zone ZONE]

Says whether a profile is well formed and, with a sample, whether it reads what the source sends: the same connector and
the same mapper as at night. Needs no database, no keys and no registry. Nothing of a person is shown: values by their
shape, words redacted, everything else by count. A sample's address that needs a secret takes LAPOR_CREDENTIAL_SAMPLE.

Exit code: 0 it fits, 1 it does not (the verdict says why and what to do), 2 the command was not understood.
"""

import argparse
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

from extract.connectors import KINDS, connector_for
from extract.errors import DeliveryFailed, ProfileInvalid
from extract.profile import PROFILES, Profile
from extract.profile_tools.findings import Findings, examine
from extract.profile_tools.profile_file import read_file as read_profile_file
from extract.profile_tools.sampling import Sample, SampleUnusable, fetch_sample, is_address, kind_of, read_file
from extract.profile_tools.vocabulary import codes, essential, mapped_codes
from extract.records import COLUMNS, EVENTS

# A single broken row is the agency's to mend; above this share the profile does not read the source (as at the gate).
BAD_SHARE = 0.20
_ROW_FAULTS = frozenset({"row", "tracking_id", "event row", "event tracking_id"})
_HARMLESS = frozenset({"updated_at", "kemendagri_code", "unit_code", "event unit_code", "parent_unit_code"})
_SHOWN_KINDS = 8
_MOST_WORDS = 20
_UNKNOWN_WORD = re.compile(r"^(?:\w+: )?'(.*)' (?:in .+ )?is not a word of profile ")


def shortcomings(profile: Profile) -> list[str]:
    """What a well-formed profile still lacks: codes that do not exist, columns without which no row counts."""
    found = ["description: still TODO"] if profile.description.startswith("TODO") else []
    if profile.sql and "TODO" in (profile.sql.updated_from, profile.sql.key_from):
        found.append("sql: still TODO")
    for place, word, code in mapped_codes(profile):
        listed = codes().get(place.rpartition(".")[2])
        if listed and code not in listed:
            found.append(f"{place}: {word!r} stands for {code}, which is none of {', '.join(listed)}")
    from_events = {"received_at"} if _events_say_when_received(profile) else set()
    for name in essential(profile.table):
        if name not in profile.fields and name not in from_events:
            found.append(f"fields.{name}: not mapped, and no row can do without it")
    if profile.events.list or profile.events.parallel or profile.events.body_list:
        found += [
            f"events.fields.{name}: not mapped, and no event can do without it"
            for name in essential(EVENTS)
            if name not in profile.events.fields
        ]
    return found


def _events_say_when_received(profile: Profile) -> bool:
    return any(place.startswith("events.") and code == "MASUK" for place, _, code in mapped_codes(profile))


def misfits(profile: Profile, findings: Findings, *, all_of_it: bool) -> list[str]:
    """Why the profile does not fit the sample; empty when it does."""
    found = [findings.failure] if findings.failure else []
    if findings.records == 0 and not findings.failure:
        found.append("the sample has no record, so nothing was checked: take one with some")
    per_column: Counter[str] = Counter()
    for (column, _), problem in findings.problems.items():
        per_column[column] += problem.count
    for column, count in per_column.items():
        of = findings.events if column.startswith("event ") else findings.records
        if column in _HARMLESS or (column in _ROW_FAULTS and count <= of * BAD_SHARE):
            continue
        found.append(f"{column}: {count} of {of} do not read")
    for name in essential(profile.table):
        # Null by problem has been said; null without one is a field that is there and empty.
        silent = findings.records - findings.filled[name] - per_column[name] - per_column["row"]
        if name in profile.fields and silent > findings.records * BAD_SHARE and name not in per_column:
            found.append(f"{name}: empty in {silent} of {findings.records} records")
    if findings.ahead:
        found.append(f"received_at: {findings.ahead} times lie in the future: wrong format, or wrong zone")
    total = findings.stated_total
    if (
        total is not None
        and not findings.failure
        and (total < findings.records or (all_of_it and total != findings.records))
    ):
        found.append(f"the source states {total} records and {findings.records} were read")
    return found


def written(profile: Profile, findings: Findings, sample: Sample, kind: str, zone: str) -> Iterator[str]:
    """The findings as lines to read."""
    stated = "no total stated" if findings.stated_total is None else f"the source states {findings.stated_total:,}"
    pages = f"{len(sample.pages)} page{'s' * (len(sample.pages) != 1)}"
    more = "" if sample.complete or not is_address(sample.place) else ", and there are more"
    yield f"{sample.place} read as {kind}, times without zone in {zone}"
    yield f"  {findings.records:,} records on {pages}{more}; {stated}"
    yield f"  {findings.whole:,} whole, {findings.records - findings.whole:,} with problems"
    if findings.events_a_record:
        counts = findings.events_a_record
        yield (
            f"  {findings.events:,} events: {min(counts)} to {max(counts)} a record,"
            f" {findings.events / len(counts):.1f} on average, {counts.count(0)} records without any"
        )
    if findings.times:
        yield f"  received from {min(findings.times):%Y-%m-%d} to {max(findings.times):%Y-%m-%d}"
    if repeated := sum(count - 1 for count in findings.keys.values()):
        yield f"  {repeated:,} records repeat the key of another: the last counts; see that the key is one"
    if findings.turned_round:
        yield f"  {findings.turned_round:,} completed before they were received: the gate keeps them out"
    if findings.records:
        yield "columns filled:"
        yield from _columns(profile, findings)
    yield from _problems(findings)
    if findings.unknown_fields:
        yield f"fields that the profile does not know: {', '.join(findings.unknown_fields)}"
    if findings.absent_fields:
        yield f"fields that the profile names and no record has: {', '.join(findings.absent_fields)}"


def _columns(profile: Profile, findings: Findings) -> Iterator[str]:
    tables = [("", COLUMNS[profile.table], findings.filled, findings.records)]
    if findings.events:
        tables.append(("event ", COLUMNS[EVENTS][2:], findings.event_filled, findings.events))
    for prefix, names, filled, of in tables:
        for name in names:
            kinds = ", ".join(
                f"{code} {count:,}" for code, count in findings.codes.get(prefix + name, Counter()).most_common()
            )
            yield f"  {prefix + name:<24} {filled[name]:>8,} of {of:,}  {kinds}".rstrip()


def _problems(findings: Findings) -> Iterator[str]:
    """The problems by column, unknown words apart. Many different words in one column are none: they stay unsaid."""
    words: dict[str, list[tuple[str, int, str]]] = defaultdict(list)
    others: dict[str, list[tuple[str, int, str]]] = defaultdict(list)
    for (column, message), problem in findings.problems.items():
        found = _UNKNOWN_WORD.match(message)
        kept = words if found else others
        kept[column].append((found[1] if found else message, problem.count, problem.first))
    if others:
        yield "problems:"
    for column, kinds in others.items():
        for message, count, first in sorted(kinds, key=lambda kind: -kind[1])[:_SHOWN_KINDS]:
            yield f"  {column}: {message} ({count:,}, first at {first})"
        if len(kinds) > _SHOWN_KINDS:
            yield f"  {column}: and {len(kinds) - _SHOWN_KINDS} more kinds"
    if words:
        yield "words that the profile does not know:"
    for column, kinds in words.items():
        if len(kinds) > _MOST_WORDS:
            yield f"  {column}: {len(kinds)} different ones, first at {kinds[0][2]}: that is no list of words"
            continue
        for word, count, first in sorted(kinds, key=lambda kind: -kind[1]):
            yield f"  {column}: '{word}' ({count:,}, first at {first})"


def main(arguments: list[str]) -> int:
    """Run the command; see the module."""
    parser = argparse.ArgumentParser(
        prog="python -m extract", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=["check-profile"])
    parser.add_argument("file", metavar="FILE", help="the profile: a path, or the name of one in extract/profiles")
    parser.add_argument("--sample", metavar="FILE|URL", help="an answer, a file or an address to read with it")
    parser.add_argument(
        "--connector", choices=KINDS, help="how to read the sample; default: as profile and sample look"
    )
    parser.add_argument("--agency-zone", default="Asia/Jakarta", metavar="ZONE", help="the agency's own zone (IANA)")
    options = parser.parse_args(arguments)
    if options.agency_zone not in available_timezones():
        parser.error(
            f"{options.agency_zone!r} is no IANA zone; Indonesia has Asia/Jakarta, Asia/Makassar, Asia/Jayapura"
        )
    path = Path(options.file)
    if not path.exists() and (PROFILES / f"{options.file}.yml").exists():
        path = PROFILES / f"{options.file}.yml"
    try:
        profile, said = read_profile_file(path)
    except ProfileInvalid as error:
        print(f"{error}\nverdict: no profile yet. Mend the keys named above and check again.", file=sys.stderr)
        return 1
    print(f"{path}: a well-formed profile of {profile.resource}")
    lacks = shortcomings(profile)
    for line in lacks:
        print(f"  {line}")
    if options.sample is None:
        return _verdict(lacks, "It is well formed. Check it against a sample: --sample FILE or URL.")
    try:
        sample, kind = _sample(options, profile, said)
    except SampleUnusable as error:
        parser.error(str(error))
    except DeliveryFailed as error:
        return _verdict([*lacks, error.reason], "")
    # Behind a page of an API there may be more; a file is whole.
    all_of_it = kind == "tabular" or (sample.complete and is_address(options.sample)) or (
        kind == "rest" and profile.rest.paging.style == "none"
    )  # fmt: skip
    findings = examine(profile, connector_for(kind, profile, None), sample, options.agency_zone)
    print("\n".join(written(profile, findings, sample, kind, profile.zone_for(options.agency_zone))))
    return _verdict([*lacks, *misfits(profile, findings, all_of_it=all_of_it)], _what_next(findings))


def _sample(options: argparse.Namespace, profile: Profile, said: Mapping[str, Any]) -> tuple[Sample, str]:
    if is_address(options.sample):
        kind = options.connector or kind_of(None, said)
        return fetch_sample(options.sample, kind, profile, options.agency_zone), kind
    page = read_file(options.sample)
    return Sample(page.name, [page], complete=False), options.connector or kind_of(page, said)


def _what_next(findings: Findings) -> str:
    if findings.unknown_fields:
        return "It fits. Map the fields it does not know, or list them under ignore; then add its row to sources.csv."
    return "It fits. Put it into extract/profiles and its row into sources.csv; then try a night with --dry-run."


def _verdict(misfit: list[str], good: str) -> int:
    if not misfit:
        print(f"verdict: {good}")
        return 0
    print("verdict: it does not fit.")
    for line in misfit:
        print(f"  - {line}")
    print(
        "next: words go under `words` of their column, times under `formats`, names of fields under `from`; what the"
        " agency wrote wrong is the agency's to mend. Then check again."
    )
    return 1
