"""The suites' rules as one SELECT of counts: what judging the same rows costs when nobody has to name the failing ones.

Translated from the rules themselves and laid over the very query the gate reads its frame with. A rule that cannot be
translated (a column the query does not have, an expectation of another kind) is named, not guessed.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date
from typing import Any

from psycopg2.extensions import connection as Connection
from psycopg2.sql import SQL, Composable, Composed, Identifier, Literal

from quality.bounds import read_bounds
from quality.frames import frame_query
from quality.references import read_references
from quality.rules import Expectation
from quality.suites import ROW_SUITES, Suite


@dataclass(frozen=True, slots=True)
class OnePass:
    """The query, the rules in the order of its columns, and the rules it does not have."""

    query: str
    rule_ids: list[str]
    not_in_sql: list[str]


def one_pass(connection: Connection, suite_name: str, night: date) -> OnePass:
    """Translate a row suite; the connection is asked which columns the frame's query has, and nothing else."""
    suite = _suite(suite_name)
    query = frame_query(suite.frame, night, read_bounds())
    with connection.cursor() as cursor:
        cursor.execute(f"select * from ({query}) as frame limit 0")  # noqa: S608 the gate's own query
        assert cursor.description is not None
        columns = {column.name for column in cursor.description}
        cursor.execute("select distinct agency_code from raw.agencies where night <= %s", [night])
        references = read_references(code for (code,) in cursor.fetchall())
    broken: dict[str, Composable] = {}
    not_in_sql = []
    for rule in suite.rules(references, read_bounds()):
        condition = breaks(rule.expectation, columns)
        if condition is None:
            not_in_sql.append(rule.rule_id)
        else:
            broken[rule.rule_id] = condition
    counts = SQL(", ").join(SQL("count(*) filter (where {})").format(condition) for condition in broken.values())
    keys = {_key(rule.expectation) for rule in suite.rules(references, read_bounds()) if rule.rule_id in broken} - {()}
    text = SQL("select {} from (select *{} from ({}) as frame) as judged").format(
        counts, Composed([_copies(key) for key in sorted(keys)]), SQL(query)
    )
    return OnePass(text.as_string(connection), list(broken), not_in_sql)


def breaks(expectation: Expectation, columns: Collection[str]) -> Composable | None:
    """The condition under which a row breaks it, as Great Expectations counts; None where SQL cannot say it.

    Nulls are not judged, except by the expectation that there are none.
    """
    translate = _TRANSLATIONS.get(expectation.name)
    needed = expectation.arguments.get("column_list") or [expectation.arguments.get("column")]
    if translate is None or not set(needed) <= set(columns) or not set(expectation.arguments) <= _KNOWN_ARGUMENTS:
        return None
    return translate(expectation.arguments)


_KNOWN_ARGUMENTS = {
    *("column", "column_list", "value_set", "min_value", "max_value", "strict_min", "strict_max"),
    "ignore_row_if",
}


def _not_in_set(arguments: dict[str, Any]) -> Composable:
    if arguments["value_set"] == [True]:
        return SQL("not {}").format(Identifier(arguments["column"]))
    return SQL("{} <> all({})").format(Identifier(arguments["column"]), Literal(arguments["value_set"]))


def _outside(arguments: dict[str, Any]) -> Composable:
    sides = []
    for bound, strict, operators in (
        ("min_value", "strict_min", ("<", "<=")),
        ("max_value", "strict_max", (">", ">=")),
    ):
        if arguments.get(bound) is not None:
            operator = SQL(operators[bool(arguments.get(strict))])
            sides.append(SQL("{} {} {}").format(Identifier(arguments["column"]), operator, Literal(arguments[bound])))
    return SQL("({})").format(SQL(" or ").join(sides))


def _missing(arguments: dict[str, Any]) -> Composable:
    return SQL("{} is null").format(Identifier(arguments["column"]))


def _repeated(arguments: dict[str, Any]) -> Composable:
    key = arguments["column_list"]
    present = SQL(" and ").join(SQL("{} is not null").format(Identifier(column)) for column in key)
    return SQL("{} > 1 and {}").format(_copies_name(tuple(key)), present)


_TRANSLATIONS: dict[str, Callable[[dict[str, Any]], Composable]] = {
    "ExpectColumnValuesToBeInSet": _not_in_set,
    "ExpectColumnValuesToBeBetween": _outside,
    "ExpectColumnValuesToNotBeNull": _missing,
    "ExpectCompoundColumnsToBeUnique": _repeated,
}


def _key(expectation: Expectation) -> tuple[str, ...]:
    return tuple(expectation.arguments.get("column_list") or ())


def _copies_name(key: tuple[str, ...]) -> Identifier:
    return Identifier("copies_of_" + "_".join(key))


def _copies(key: tuple[str, ...]) -> Composable:
    """A further column: how many rows have the key of this one."""
    columns = SQL(", ").join(map(Identifier, key))
    return SQL(", count(*) over (partition by {}) as {}").format(columns, _copies_name(key))


def _suite(name: str) -> Suite:
    return next(suite for suite in ROW_SUITES if suite.name == name)
