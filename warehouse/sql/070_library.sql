-- The library: what was issued to whom, for good. Reports and the portal write here, nobody changes anything afterwards.
create table if not exists library.issues (
    issue_id uuid primary key default gen_random_uuid(),
    body text not null check (body in ('panrb', 'ksp', 'ombudsman', 'agency')),
    period text not null,
    agency_code text,
    version integer not null check (version >= 1),
    title text not null,
    night date not null,
    cut_off_at timestamptz not null,
    is_preview boolean not null default false,
    is_simulated boolean not null,
    coverage_delivered integer not null,
    coverage_expected integer not null,
    code_version text not null,
    manifest_sha256 text not null,
    folder text not null,
    issued_at timestamptz not null default now(),
    check ((body = 'agency') = (agency_code is not null)),
    unique nulls not distinct (body, period, agency_code, version)
);
create index if not exists issues_agency on library.issues (agency_code, period);
comment on table library.issues is 'One row per issue of a report: body, period (and agency), version 1, 2, ... as figures changed; folder is relative to the library''s root. '
    'A preview is a draft that no reader sees.';

create table if not exists library.files (
    issue_id uuid not null references library.issues,
    name text not null,
    media_type text not null,
    byte_count bigint not null,
    sha256 text not null,
    primary key (issue_id, name)
);
comment on table library.files is 'One row per file of an issue: laporan.pdf, laporan.xlsx, laporan.json, a CSV per table, manifest.json.';

create table if not exists library.cells (
    issue_id uuid not null references library.issues,
    family text not null,
    members text[] not null,
    cell_count integer not null,
    is_hidden boolean not null
);
create index if not exists cells_issue on library.cells (issue_id, family);
create index if not exists cells_family on library.cells (family);
comment on table library.cells is 'What an issue counted, over which base cells, and whether it was shown or hidden: a later issue must not give away what this one hid. '
    'Read by reporter alone.';

create table if not exists library.access_log (
    access_id bigint generated always as identity primary key,
    at timestamptz not null default now(),
    role text not null,
    subject text not null,
    action text not null,
    object text not null,
    details jsonb not null default '{}'
);
comment on table library.access_log is 'Who read or removed what, and when. Only ever added to: no role, its owner included, changes or deletes a row. '
    'subject: the keyed identity of a reader of the portal or the login of a session; never a name.';

create or replace function library.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'library.% is only ever added to: % is refused for everybody', tg_table_name, lower(tg_op)
        using errcode = 'insufficient_privilege', hint = 'What an entry got wrong is put right by another entry.';
end
$$;
revoke execute on function library.refuse_change from public;
create or replace trigger access_log_stays before update or delete or truncate on library.access_log
for each statement execute function library.refuse_change();

-- Who may know of which issue.
select ops.set_access('library.issues', null, $$[
    {"name": "made_by", "command": "all", "roles": ["reporter"], "condition": "true"},
    {"name": "run_by", "command": "select", "roles": ["data_engineer"], "condition": "true"},
    {"name": "panrb", "command": "select", "roles": ["panrb_analyst"], "condition": "not is_preview and body in ('panrb', 'agency')"},
    {"name": "ombudsman", "command": "select", "roles": ["ombudsman_reader"], "condition": "not is_preview and body in ('ombudsman', 'agency')"},
    {"name": "ksp", "command": "select", "roles": ["ksp_reader"], "condition": "not is_preview and body = 'ksp'"},
    {"name": "agency", "command": "select", "roles": ["agency_reader"],
        "condition": "not is_preview and body = 'agency' and agency_code = nullif(current_setting('app.agency_code', true), '')"}
]$$);
select ops.set_access('library.files', null, $$[
    {"name": "made_by", "command": "all", "roles": ["reporter"], "condition": "true"},
    {"name": "of_issues_seen", "command": "select",
        "roles": ["data_engineer", "panrb_analyst", "ombudsman_reader", "ksp_reader", "agency_reader"],
        "condition": "issue_id in (select issues.issue_id from library.issues)"}
]$$);
-- Read by reporter alone, all of it; what the portal must know of it library.issued_cells says.
select ops.set_access('library.cells', null);

grant usage on schema library to reporter, portal, data_engineer, panrb_analyst, ombudsman_reader, ksp_reader, agency_reader;
grant select, insert on library.issues, library.files, library.cells to reporter;
grant select on library.issues, library.files to data_engineer, panrb_analyst, ombudsman_reader, ksp_reader, agency_reader;
grant insert on library.access_log to reporter, portal;
grant select on library.access_log to data_engineer;

-- What the portal must know so that no page gives away what an issue hides: which cells, and of shown ones the counts, which
-- are in its files anyway. What hidden cells count it does not say. For the portal itself, not for the readers it acts for:
-- they would learn of issues that are not theirs.
create or replace function library.issued_cells(of_years text[], of_families text[]) returns table (
    family text, members text[], shown_count integer, is_hidden boolean
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select distinct cells.family, cells.members, case when not cells.is_hidden then cells.cell_count end, cells.is_hidden
    from library.cells as cells
    inner join library.issues as issues using (issue_id)
    where not issues.is_preview and left(issues.period, 4) = any(of_years) and cells.family = any(of_families)
$$;
comment on function library.issued_cells is 'Cells of the issues of calendar years: hidden ones without their count. The portal decides its pages in view of them.';
revoke execute on function library.issued_cells from public;
grant execute on function library.issued_cells to portal;

create or replace function library.last_issued_at() returns timestamptz
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select max(issued_at) from library.issues where not is_preview
$$;
comment on function library.last_issued_at is 'When anything was last issued, so that the portal knows when to ask library.issued_cells again.';
revoke execute on function library.last_issued_at from public;
grant execute on function library.last_issued_at to portal;
