"""Which marts a reader may pull, and how a page of one is asked for.

The catalog of PostgreSQL answers both: the marts on which the reader's role has the right to select, and of each the
comment that dbt wrote from `config.meta.access`: its level, the columns that count people and how few are too few.
Marts with rows of single complaints or persons are never offered, whatever the role may read by SQL, nor those with
rows so fine that a hidden one would follow from a total (`why_not_pulled`).
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

OFFERED_LEVELS = frozenset({"aggregate", "reference"})
# A hidden row keeps what names it: its key, and attributes that were there before any complaint came in.
NAMING = re.compile(r"(?:.+_)?(?:code|name|night|date|kind)|is_simulated|agencies_delivered|agencies_expected|coverage")
DOUBLE = "numeric"  # handed on as double precision

MARTS = """
    select
        tables.relname,
        obj_description(tables.oid, 'pg_class')::json as access,
        (
            select array_agg(columns.attname order by columns.attnum)
            from pg_attribute as columns
            where columns.attrelid = tables.oid and columns.attnum > 0 and not columns.attisdropped
        ) as column_names,
        (
            select array_agg(format_type(columns.atttypid, null) order by columns.attnum)
            from pg_attribute as columns
            where columns.attrelid = tables.oid and columns.attnum > 0 and not columns.attisdropped
        ) as column_types,
        (
            select array_agg(columns.attname order by keys.place)
            from (
                select indexes.indkey
                from pg_index as indexes
                where indexes.indrelid = tables.oid and indexes.indisunique and indexes.indpred is null
                order by indexes.indisprimary desc
                limit 1
            ) as chosen
            cross join unnest(chosen.indkey) with ordinality as keys (attnum, place)
            inner join pg_attribute as columns on columns.attrelid = tables.oid and columns.attnum = keys.attnum
        ) as key
    from pg_class as tables
    where
        tables.relnamespace = 'marts'::regnamespace
        and tables.relkind in ('r', 'p')
        and has_table_privilege(tables.oid, 'select')
        and obj_description(tables.oid, 'pg_class') like '{%'
    order by tables.relname
"""


@dataclass(frozen=True, slots=True)
class Mart:
    """A mart that may be pulled. columns: name -> PostgreSQL type, in order. key: what its rows are unique by.

    counts: columns that count people; a row in which one of them is 1 to `below` - 1 shows no figure.
    """

    name: str
    level: str
    columns: Mapping[str, str]
    key: tuple[str, ...]
    counts: tuple[str, ...]
    below: int

    @property
    def figures(self) -> frozenset[str]:
        """Columns that a hidden row does not show."""
        return frozenset(name for name in self.columns if name not in self.key and not NAMING.fullmatch(name))


def readable_marts(cursor: Cursor) -> dict[str, Mart]:
    """The marts that the role of the transaction may pull, by name and in its order."""
    cursor.execute(MARTS)
    return {
        table: Mart(
            name=table,
            level=access["level"],
            columns=dict(zip(names, types, strict=True)),
            key=tuple(key),
            counts=tuple(access.get("count_columns") or ()) if access["suppress_below"] else (),
            below=access["suppress_below"] or 0,
        )
        for table, access, names, types, key in cursor.fetchall()
        if access.get("level") in OFFERED_LEVELS and not access.get("why_not_pulled") and key
    }


def page_query(
    mart: Mart, wanted: Mapping[str, str], after: Collection[str], limit: int
) -> tuple[sql.Composed, dict[str, object]]:
    """The query of a page, ordered by key, with its parameters: the mart's columns, is_hidden, the key as text.

    wanted: column -> value rows must have. after: the key, as text, of the row before the page; empty for the first.
    Small rows come without their figures; `concealed` takes those of others. Names are the catalog's own.
    """
    is_hidden = sql.SQL("({})").format(
        sql.SQL(" or ").join(
            sql.SQL("coalesce({} between 1 and %(most)s, false)").format(sql.Identifier(column))
            for column in mart.counts
        )
        if mart.counts
        else sql.SQL("false")
    )
    conditions = [
        sql.SQL("{} = {}::{}").format(
            sql.Identifier(column), sql.Placeholder(f"wanted_{column}"), sql.SQL(mart.columns[column])
        )
        for column in wanted
    ]
    if after:
        conditions.append(
            sql.SQL("({}) > ({})").format(
                sql.SQL(", ").join(map(sql.Identifier, mart.key)),
                sql.SQL(", ").join(
                    sql.SQL("{}::{}").format(sql.Placeholder(f"after_{place}"), sql.SQL(mart.columns[column]))
                    for place, column in enumerate(mart.key)
                ),
            )
        )
    query = sql.SQL(
        "with page as ("
        " select *, {is_hidden} as is_hidden from marts.{mart} where {conditions} order by {key} limit %(limit)s)"
        " select {columns}, is_hidden, {key_as_text} from page order by {page_key}"
    ).format(
        is_hidden=is_hidden,
        mart=sql.Identifier(mart.name),
        conditions=sql.SQL(" and ").join(conditions) if conditions else sql.SQL("true"),
        key=sql.SQL(", ").join(map(sql.Identifier, mart.key)),
        page_key=sql.SQL(", ").join(sql.Identifier("page", column) for column in mart.key),
        columns=sql.SQL(", ").join(_column(mart, name) for name in mart.columns),
        key_as_text=sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(column)) for column in mart.key),
    )
    parameters: dict[str, object] = {"most": mart.below - 1, "limit": limit}
    parameters |= {f"wanted_{column}": value for column, value in wanted.items()}
    parameters |= {f"after_{place}": value for place, value in enumerate(after)}
    return query, parameters


def concealed(mart: Mart, rows: Sequence[tuple[Any, ...]], hidden: Collection[str]) -> list[tuple[Any, ...]]:
    """Rows of `page_query`, those hidden besides the small ones without their figures too. hidden: their `row_key`."""
    figures, width = [name in mart.figures for name in mart.columns], len(mart.columns)

    def shown(row: tuple[Any, ...]) -> tuple[Any, ...]:
        values, key = row[:width], row[width + 1 :]
        if row_key(key) not in hidden:
            return row
        told = (None if is_figure else value for value, is_figure in zip(values, figures, strict=True))
        return (*told, True, *key)

    return [shown(row) for row in rows] if hidden else list(rows)


def row_key(parts: Sequence[str | None]) -> str:
    """A row's key, each column as text, as one text, e.g. 31/2021-06-01."""
    return "/".join(part for part in parts if part is not None)


def _column(mart: Mart, name: str) -> sql.Composed:
    value = sql.SQL("{}::double precision" if mart.columns[name] == DOUBLE else "{}").format(sql.Identifier(name))
    if name not in mart.figures or not mart.counts:
        return sql.SQL("{} as {}").format(value, sql.Identifier(name))
    return sql.SQL("case when not is_hidden then {} end as {}").format(value, sql.Identifier(name))
