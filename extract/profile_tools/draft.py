"""python -m extract draft-profile SAMPLE [--name NAME] [--resource complaints] [--connector KIND] [--output FILE]

A first profile from a sample (a page of JSON or XML, CSV, a workbook): where the records are, which field is what, how
times are written, what the words mean. What could not be told is marked TODO, and check-profile does not pass it until
that is done. A guess is a guess: read every line. Values of persons are never part of a draft.

Exit code: 0 a draft was made, 1 the sample gives none, 2 the command was not understood.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from extract.connectors import KINDS
from extract.errors import DeliveryFailed
from extract.profile import FieldSpec, Profile
from extract.profile_tools.drafting import Draft, draft_of
from extract.profile_tools.guessing import (
    FALSE_WORDS,
    TRUE_WORDS,
    SourceField,
    TimeGuess,
    guess_words,
    looks_personal,
    swapped,
)
from extract.profile_tools.sampling import SampleUnusable, fetch_page, is_address, read_file
from extract.profile_tools.vocabulary import codes, essential
from extract.records import COLUMNS, COMPLAINTS, EVENTS, RATINGS, TABLE_OF_RESOURCE
from extract.values import cut, normal

_FLAGS = ("is_anonymous", "is_secret", "action_plan_stated")
_ALWAYS_THERE = frozenset(
    {"tracking_id", "status", "received_at", "is_anonymous", "is_secret", "event_seq", "event_type", "occurred_at"}
    | {"stars", "rated_at", "subject_code", "period_start", "period_end", "received_count"}
    | {"as_of_date", "survey_code", "respondent_key", "wave", "sampling_weight"}
)
_SEPARATORS = (" > ", ">", " / ")
_INTEGERS = ("event_seq", "stars", "wave", "_count")
_TRUE_BY_DEFAULT: tuple[str, ...] = Profile.model_fields["true_words"].default
_FALSE_BY_DEFAULT: tuple[str, ...] = Profile.model_fields["false_words"].default


def written(draft: Draft, name: str) -> str:
    """The draft as the YAML of a profile."""
    found = draft.found
    lines = [
        f"# A draft for extract/profiles/{name}.yml, from {len(found.records)} records.",
        "# Every line is a guess, TODO is open.",
        "description: TODO say in one line whose system this is and how it speaks.",
        f"resource: {draft.resource}",
        *_clock(draft),
        *_flag_words(draft),
    ]
    if found.kind == "open311":
        lines.append("trailing_days: 90   # guess: it cannot say what changed, so so many days are read again")
    lines += ["", *_source(draft), "", "fields:", *_fields(draft)]
    for key, paths in (("identity", draft.identity), ("text", draft.text)):
        if paths:
            lines += ["", f"{key}: {_flow(paths)}"]
    lines += _events(draft)
    if draft.ignored:
        lines += ["", "# TODO is one of these worth mapping? What stands here is not read at all.", "ignore:"]
        for path in draft.ignored:
            below = [source for place, source in draft.fields.items() if place == path or place.startswith(f"{path}.")]
            note = "   # looks like a person's" if any(map(looks_personal, below)) else ""
            lines.append(f"  - {_scalar(path)}{note}")
    return "\n".join(lines) + "\n"


def _clock(draft: Draft) -> Iterator[str]:
    guesses = list(draft.times.values())
    formats = _formats(draft.times)
    if any(not guess.with_zone for guess in guesses):
        yield "time_zone: agency          # TODO times carry no zone: the agency's own clock, or Asia/Jakarta?"
    doubtful = any(guess.day_or_month for guess in guesses)
    note = "   # TODO day first and month first both fit: ask the agency" if doubtful else ""
    yield f"formats: {_flow(formats or ['iso'])}{note}"
    for path, guess in draft.times.items():
        if guess.unread:
            yield f"# TODO {guess.unread} values of {_scalar(path)} do not read by any known format"


def _formats(times: Mapping[str, TimeGuess]) -> list[str]:
    return list(dict.fromkeys(text for guess in times.values() for text in guess.formats))


def _flag_words(draft: Draft) -> Iterator[str]:
    seen = {
        normal(text) for name in _FLAGS if name in draft.columns for text in draft.fields[draft.columns[name]].texts
    }
    for key, words, defaults in (
        ("true_words", TRUE_WORDS, _TRUE_BY_DEFAULT), ("false_words", FALSE_WORDS, _FALSE_BY_DEFAULT)
    ):  # fmt: skip
        if more := sorted(seen & words - set(defaults)):
            yield f"{key}: {_flow([*defaults, *more])}"


def _source(draft: Draft) -> Iterator[str]:
    found = draft.found
    match found.kind:
        case "tabular":
            yield f"tabular: {_flow({'sheet': found.sheet} if found.sheet else {})}"
        case "open311":
            spec = {"format": "xml" if found.form == "xml" else "json"}
            yield f"open311: {_flow(spec)}   # TODO cap: how many requests does one answer hold at most?"
        case "sql":
            updated = draft.columns.get("updated_at", "TODO")
            key = next(
                (path for path in draft.fields if path.lower() == "id"), draft.columns.get("tracking_id", "TODO")
            )
            yield f"sql: {_flow({'updated_from': updated, 'key_from': key})}"
        case _:
            yield "# TODO auth, window and the names of parameters are not in a sample: see the agency's documentation."
            yield "# auth: {style: bearer}"
            yield "rest:"
            for key in ("records_at", "record_at", "total_at"):
                if value := getattr(found, key):
                    yield f"  {key}: {_scalar(value)}"
            paging = found.paging or {"style": "none"}
            note = "check them" if found.paging else "nothing in the answer tells: a Link header, or no pages?"
            yield f"  paging: {_flow(paging)}   # TODO {note}"
            yield "  # window: {since_parameter: since, until_parameter: until, format: iso}"


def _fields(draft: Draft) -> Iterator[str]:
    if draft.table in (COMPLAINTS, RATINGS):
        yield '  source_system: {constant: "kanal-{agency_code}"}   # national numbers instead: {constant: lapor}'
    columns = dict(draft.columns)
    yield from _missing(draft.table, columns, "  ")
    if draft.table == COMPLAINTS and "report_class" not in columns:
        yield "  report_class: {constant: PENGADUAN}   # guess: nothing tells the class"
    if draft.found.kind == "open311" and "category_main" not in columns:
        yield "  category_main: {from: service_group, upper: true}   # the group of its service"
    for name in COLUMNS[draft.table]:
        if name not in columns:
            continue
        source = draft.fields[columns[name]]
        separator = _separator(source) if name == "category_main" and "category_label" not in columns else None
        if separator:
            for part, column in enumerate(("category_main", "category_label")):
                yield f"  {column}: {_flow({'from': source.path, 'split': separator, 'part': part, 'upper': True})}"
            continue
        yield from _column(name, source, draft.own_words, "  ", _own_formats(draft, source.path))
    if not columns and draft.table not in (COMPLAINTS, RATINGS):
        yield "  {}   # TODO no field has a name that is known"


def _own_formats(draft: Draft, path: str) -> list[str]:
    """The formats of one column, where another writes day and month the other way round."""
    formats = _formats(draft.times)
    guess = draft.times.get(path)
    crossed = any(swapped(text) != text and swapped(text) in formats for text in formats)
    return guess.formats if guess and crossed else []


def _missing(table: str, columns: Mapping[str, str], indent: str) -> Iterator[str]:
    for name in essential(table):
        if name not in columns and name not in ("source_system", "report_class"):
            yield f"{indent}# TODO {name}: no field is called like it, and no row can do without it"


def _column(name: str, source: SourceField, own: tuple[str, ...], indent: str, formats: list[str]) -> Iterator[str]:
    """The lines of one column."""
    spec: dict[str, Any] = {"from": source.path}
    if name == "tracking_id" and any(text.startswith("#") for text in source.texts):
        spec["strip"] = "#"
    if name in ("category_main", "category_label", "unit_kind"):
        spec["upper"] = True
    kind = _type(name)
    if kind:
        spec["type"] = kind
    if formats and kind in ("timestamp", "date"):
        spec["formats"] = formats
    if name in _ALWAYS_THERE:
        spec["required"] = True
    if name not in codes():
        yield f"{indent}{name}: {_flow(spec)}"
        return
    texts = source.texts
    if name == "channel" and any(" - " in text for text in texts):
        spec["split"] = " - "
        texts = [piece for text in texts if (piece := cut(text, FieldSpec(source="x", split=" - ")))]
    guesses, hidden = guess_words(name, texts, own)
    yield f"{indent}{name}:"
    for key, value in spec.items():
        yield f"{indent}  {key}: {_scalar(value)}"
    yield f"{indent}  words:" + ("" if guesses else " {}")
    for guess in guesses:
        yield f"{indent}    {_scalar(guess.word)}: {guess.code}" + (f"   # {guess.note}" if guess.note else "")
    if hidden or not guesses:
        yield f"{indent}    # TODO {hidden or 'all'} words are not shown or did not occur: ask the agency for its list"


def _type(name: str) -> str | None:
    if name in _FLAGS:
        return "boolean"
    if name.endswith("_at"):
        return "timestamp"
    if name in ("period_start", "period_end", "valid_from", "valid_to") or name.endswith(("_date", "_on")):
        return "date"
    if name.endswith(_INTEGERS):
        return "integer"
    return {"sampling_weight": "decimal", "respondent_key": "key"}.get(name)


def _separator(source: SourceField) -> str | None:
    texts = source.texts
    return next((sign for sign in _SEPARATORS if sum(sign in text for text in texts) * 2 > len(texts)), None)


def _events(draft: Draft) -> Iterator[str]:
    log = draft.events
    if log.shape:
        yield from ("", "events:")
        if log.shape == "parallel":
            yield f"  parallel: {_flow(log.parallel)}"
        else:
            yield f"  {log.shape}: {_scalar(log.place)}"
        if log.key_from:
            yield f"  key_from: {_scalar(log.key_from)}"
        yield "  fields:"
        yield from _missing(EVENTS, log.columns, "    ")
        for name in COLUMNS[EVENTS]:
            if name in log.columns:
                yield from _column(name, log.fields[log.columns[name]], draft.own_words, "    ", [])
        if log.ignored:
            yield f"  ignore: {_flow(log.ignored)}"
    elif log.milestones:
        yield from ("", "events:", "  columns:")
        for path, event_type in log.milestones:
            spec: dict[str, Any] = {"from": path, "event_type": event_type}
            note = ""
            if event_type == "SELESAI_MANUAL" and log.kind_from:
                guesses, _ = guess_words("event_type", draft.fields[log.kind_from].texts, draft.own_words)
                kinds = {guess.word: guess.code for guess in guesses} or {"manual": event_type}
                spec = {"from": path, "kind_from": log.kind_from, "kinds": kinds}
                note = "   # TODO are these all its words?"
            yield f"    - {_flow(spec)}{note}"
        if len(log.milestones) == 1:
            yield "    # TODO only the receipt is known: when was it routed, answered, closed?"


def _flow(value: Any) -> str:
    """A value on one line, as it may stand anywhere."""
    return yaml.safe_dump(
        value, default_flow_style=True, allow_unicode=True, sort_keys=False, width=10**9
    ).strip()  # fmt: skip


def _scalar(value: Any) -> str:
    return _flow([value])[1:-1]


def main(arguments: list[str]) -> int:
    """Run the command; see the module."""
    parser = argparse.ArgumentParser(
        prog="python -m extract", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=["draft-profile"])
    parser.add_argument("sample", metavar="SAMPLE", help="a file, or an http address that answers without a secret")
    parser.add_argument("--name", help="what the profile will be called; default: as the sample")
    parser.add_argument("--resource", choices=sorted(TABLE_OF_RESOURCE), default="complaints")
    parser.add_argument("--connector", choices=KINDS, help="default: as the sample looks")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write it there; default: print it")
    options = parser.parse_args(arguments)
    if options.output and options.output.exists():
        parser.error(f"{options.output} exists, and a draft overwrites nothing")
    try:
        page = fetch_page(options.sample) if is_address(options.sample) else read_file(options.sample)
        draft = draft_of(page, options.resource, options.connector)
    except (SampleUnusable, DeliveryFailed) as error:
        print(f"python -m extract draft-profile: {error}", file=sys.stderr)
        return 1
    name = options.name or (options.output.stem if options.output else Path(page.name).stem)
    text = written(draft, name)
    if options.output:
        options.output.write_text(text, encoding="utf-8")
    else:
        print(text, end="")
    place = options.output or f"extract/profiles/{name}.yml"
    print(
        f"{len(draft.found.records):,} records looked at, {len(draft.columns)} columns found,"
        f" {text.count('TODO')} TODO. Read every line, then:\n"
        f"python -m extract check-profile {place} --sample {options.sample}",
        file=sys.stderr,
    )
    return 0
