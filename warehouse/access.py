"""Who may do what here, as the catalog has it; and what is taken away: after its time, or when its reporter asks.

Rights are made in `warehouse/sql` and by dbt (`dbt_project/macros/access.sql`); this module only reads them. Taking
away is done by the owner of the warehouse and written down in library.access_log, without what was taken away.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

# No source gives years for these data; an assumption until the archive schedule (JRA) of the agency says otherwise.
TEXTS_KEPT_YEARS = 2

# The tables of raw that hold the key of a reporter.
KEYED = ("complaints", "ratings")

SCHEMAS = ("raw", "restricted", "quality", "ops", "staging", "intermediate", "marts", "library", "test_failures")
ROLES = (
    "panrb_analyst",
    "ombudsman_reader",
    "ksp_reader",
    "agency_reader",
    "portal",
    "reporter",
    "data_engineer",
    "loader",
    "gate",
    "transformer",
)
_IN_WORDS = {
    "true": "all",
    "is_secret is false": "not secret",
    "not raw.is_secret_complaint(source_system, tracking_id)": "not secret",
    "agency_code = nullif(current_setting('app.agency_code', true), '')": "of its agency",
    "issue_id in (select issues.issue_id from library.issues)": "of issues it sees",
    "not is_preview and body in ('panrb', 'agency')": "issued; PANRB's and the agencies'",
    "not is_preview and body in ('ombudsman', 'agency')": "issued; the Ombudsman's and the agencies'",
    "not is_preview and body = 'ksp'": "issued; KSP's",
    "not is_preview and body = 'agency' and agency_code = nullif(current_setting('app.agency_code', true), '')": (
        "issued; of its agency"
    ),
}
_RIGHTS = """
    select
        role, namespace.nspname, relation.relname,
        relation.relowner = role::regrole as is_owner, relation.relrowsecurity,
        array(
            select right_name
            from unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE'])
                with ordinality as each (right_name, place)
            where has_table_privilege(role, relation.oid, right_name) order by place
        ),
        array(
            select right_name || ' (' || string_agg(attribute.attname, ', ' order by attribute.attnum) || ')'
            from unnest(array['SELECT', 'INSERT', 'UPDATE']) as right_name
            inner join pg_attribute as attribute
                on attribute.attrelid = relation.oid and attribute.attnum > 0 and not attribute.attisdropped
            where not has_table_privilege(role, relation.oid, right_name)
                and has_column_privilege(role, relation.oid, attribute.attnum, right_name)
            group by right_name order by right_name
        ),
        coalesce((
            select string_agg(
                substring(obj_description(policy.oid, 'pg_policy') from ': (.*)$'), ' or ' order by policy.polname
            )
            from pg_policy as policy
            where policy.polrelid = relation.oid and role::regrole = any(policy.polroles)
        ), ''),
        coalesce(relation.reloptions @> array['security_invoker=true'], false)
    from pg_class as relation
    inner join pg_namespace as namespace on relation.relnamespace = namespace.oid
    cross join unnest(%(roles)s::text[]) as role
    where namespace.nspname = any(%(schemas)s) and relation.relkind in ('r', 'v', 'p')
"""
_FUNCTIONS = """
    select role, namespace.nspname, function.proname
    from pg_proc as function
    inner join pg_namespace as namespace on function.pronamespace = namespace.oid
    cross join unnest(%(roles)s::text[]) as role
    where namespace.nspname = any(%(schemas)s) and has_function_privilege(role, function.oid, 'execute')
        and has_schema_privilege(role, namespace.oid, 'usage')
"""


def matrix(cursor: Cursor) -> str:
    """Role x object x right as a Markdown table, from the live catalog of a built warehouse.

    One row per role, schema and kind of right; where a role may do nothing it has no row. Rights without use of the
    schema count for nothing. Of a group larger than half of a schema, what is not in it is listed ("all but ...").
    """
    parameters = {"roles": list(ROLES), "schemas": [*SCHEMAS, "statistics"]}
    cursor.execute(
        "select role, name from unnest(%(roles)s::text[]) as role, unnest(%(schemas)s::text[]) as name"
        " where to_regnamespace(name) is not null and has_schema_privilege(role, to_regnamespace(name), 'usage')",
        parameters,
    )
    may_enter = set(cursor.fetchall())
    cursor.execute(_RIGHTS, parameters)
    groups: dict[tuple[str, str, str, str], set[str]] = {}
    relations: dict[str, set[str]] = {}
    for role, schema, name, is_owner, is_secured, rights, columns, conditions, is_invoker in cursor:
        relations.setdefault(schema, set()).add(name)
        if (role, schema) not in may_enter or not (rights or columns):
            continue
        right = "owner" if is_owner else ", ".join([*rights, *columns]).lower()
        rows = _rows(is_secured and not is_owner, conditions, is_invoker and not is_owner)
        groups.setdefault((role, schema, right, rows), set()).add(name)
    cursor.execute(_FUNCTIONS, parameters)
    functions: dict[tuple[str, str], set[str]] = {}
    for role, schema, name in cursor:
        functions.setdefault((role, schema), set()).add(f"{name}()")

    lines = ["| role | schema | objects | rights | rows |", "|---|---|---|---|---|"]
    for role in ROLES:
        for schema in (*SCHEMAS, "statistics"):
            mine = [(key, names) for key, names in groups.items() if key[:2] == (role, schema)]
            for (_, _, right, rows), names in sorted(mine, key=lambda group: (group[0][2:], sorted(group[1]))):
                lines.append(f"| {role} | {schema} | {_listed(names, relations[schema])} | {right} | {rows} |")
            if (role, schema) in functions:
                names = functions[role, schema]
                listed = "all functions" if schema == "statistics" else _listed(names, set())
                lines.append(f"| {role} | {schema} | {listed} | execute | |")
    return "\n".join(lines) + "\n"


def _rows(is_secured: bool, conditions: str, is_invoker: bool) -> str:
    if is_invoker:
        return "what it may read in raw"
    if not is_secured:
        return "all"
    if not conditions:
        return "none"
    return _IN_WORDS.get(conditions, f"`{conditions}`")


def _listed(names: set[str], everything: set[str]) -> str:
    left_out = everything - names
    if not left_out and everything:
        return "all"
    if len(left_out) < len(names) and everything:
        return "all but " + ", ".join(f"`{name}`" for name in sorted(left_out))
    return ", ".join(f"`{name}`" for name in sorted(names))


class NotErased(ValueError):
    """Nothing was erased; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken away: complaints concerned, texts deleted, reporters' keys set null, nights changed by it."""

    complaints: int
    texts: int
    keys: int
    nights: tuple[date, ...]


def retain(
    connection: Connection, *, texts_before: date | None = None, keys_before: date | None = None, dry_run: bool = False
) -> Taken:
    """Delete restricted texts, and forget the keys of reporters, of nights before a date.

    texts_before: by default TEXTS_KEPT_YEARS before the last night. keys_before: by default none is forgotten; without
    the key of an old complaint a new one cannot be known as its repetition. Rows of raw stay: they are without
    identity, figures of the past are made from them, and received = accepted + quarantined + held is counted on them.
    Nights in which keys were forgotten are marked as changed. All or nothing; dry_run counts and changes nothing.
    """
    with connection, connection.cursor() as cursor:
        if texts_before is None:
            cursor.execute("select (max(night) - make_interval(years => %s))::date from ops.nights", [TEXTS_KEPT_YEARS])
            texts_before = _one(cursor)
        cursor.execute("delete from restricted.complaint_texts where night < %s", [texts_before])
        texts, keys, nights = cursor.rowcount, 0, set[date]()
        if keys_before is not None:
            for table in KEYED:
                cursor.execute(
                    f"update raw.{table} set reporter_key = null"  # noqa: S608 (one of KEYED)
                    " where night < %s and reporter_key is not null returning night",
                    [keys_before],
                )
                keys += cursor.rowcount
                nights |= {night for (night,) in cursor}
        _mark_changed(cursor, nights)
        taken = Taken(0, texts, keys, tuple(sorted(nights)))
        _write_down(
            cursor,
            "retention",
            taken,
            {"texts_before": str(texts_before), "keys_before": keys_before and str(keys_before)},
        )
        if dry_run:
            connection.rollback()
    return taken


def erase(
    connection: Connection,
    reason: str,
    *,
    complaint: tuple[str, str] | None = None,
    reporter_key: str | None = None,
    dry_run: bool = False,
) -> Taken:
    """Forget who reported: of one complaint (source system, tracking id), or of all complaints of one reporter's key.

    Sets reporter_key null in every version in raw, deletes the texts, and has later versions stored without either
    (restricted.erasures). The nights concerned are marked as changed: the next build forgets the key in what it
    derived. The complaint itself stays, without anybody. All or nothing; dry_run counts and changes nothing.

    Raises NotErased when not exactly one of the two is given, when nothing is known of it, or when the reason is empty
    or tells it.
    """
    if (complaint is None) is (reporter_key is None):
        raise NotErased("erase one complaint (source system and tracking id) or one reporter's key, not both")
    told = complaint[1] if complaint else str(reporter_key)
    if not reason.strip() or told in reason:
        raise NotErased("say why, such as the number of the request, without what is to be erased")
    with connection, connection.cursor() as cursor:
        if complaint:
            cursor.execute(
                "select source_system, tracking_id from raw.complaints"
                " where (source_system, tracking_id) = (%(system)s, %(id)s)"
                " union select source_system, tracking_id from restricted.complaint_texts"
                " where (source_system, tracking_id) = (%(system)s, %(id)s)",
                {"system": complaint[0], "id": complaint[1]},
            )
        else:
            cursor.execute(
                "select source_system, tracking_id from raw.complaints where reporter_key = %(key)s"
                " union select source_system, tracking_id from raw.ratings where reporter_key = %(key)s",
                {"key": reporter_key},
            )
        concerned = cursor.fetchall()
        if not concerned:
            raise NotErased(
                "nothing is known of it: see that the source system, tracking id or key is written as in raw.complaints"
            )
        cursor.execute("create temporary table erased (source_system text, tracking_id text) on commit drop")
        cursor.executemany("insert into erased values (%s, %s)", concerned)
        keys, nights = 0, set[date]()
        for table in KEYED:
            # A row that could not be read may have a key and no number.
            cursor.execute(
                f"update raw.{table} set reporter_key = null"  # noqa: S608 (one of KEYED)
                " where reporter_key is not null"
                " and (reporter_key = %s"
                " or (source_system, tracking_id) in (select source_system, tracking_id from erased))"
                " returning night",
                [reporter_key],
            )
            keys += cursor.rowcount
            nights |= {night for (night,) in cursor}
        cursor.execute(
            "delete from restricted.complaint_texts as texts using erased"
            " where (texts.source_system, texts.tracking_id) = (erased.source_system, erased.tracking_id)"
        )
        texts = cursor.rowcount
        cursor.execute(
            "insert into restricted.erasures (source_system, tracking_id)"
            " select source_system, tracking_id from erased where tracking_id is not null and source_system is not null"
            " on conflict do nothing"
        )
        _mark_changed(cursor, nights)
        taken = Taken(len(concerned), texts, keys, tuple(sorted(nights)))
        _write_down(cursor, "erase", taken, {"reason": reason.strip(), "by": "complaint" if complaint else "reporter"})
        if dry_run:
            connection.rollback()
    return taken


def _mark_changed(cursor: Cursor, nights: Iterable[date]) -> None:
    cursor.execute("update ops.nights set changed_seq = changed_seq + 1 where night = any(%s)", [list(nights)])


def _write_down(cursor: Cursor, action: str, taken: Taken, details: dict[str, Any]) -> None:
    counts = {"complaints": taken.complaints, "texts": taken.texts, "keys": taken.keys, "nights": len(taken.nights)}
    cursor.execute(
        "insert into library.access_log (role, subject, action, object, details)"
        " values ('owner', session_user, %s, 'raw, restricted', %s)",
        [action, json.dumps({**details, **counts})],
    )


def _one(cursor: Cursor) -> Any:
    row = cursor.fetchone()
    return row[0] if row else None
