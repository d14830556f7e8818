-- The ledger. One row per night, one row per agency, resource and night.
create table if not exists ops.nights (
    night date primary key,
    cut_off_at timestamptz not null,
    registry text not null,
    is_simulated boolean not null,
    opened_at timestamptz not null default now(),
    -- changed_seq moves whenever rows, deliveries or verdicts of the night change, built_seq takes its value when a build
    -- starts, published_seq when that build has passed all its tests. built_seq > published_seq: the build has work to do.
    changed_seq integer not null default 1,
    built_seq integer not null default 0,
    published_seq integer not null default 0,
    gated_at timestamptz,
    published_at timestamptz,
    check (published_seq <= built_seq and built_seq <= changed_seq)
);
comment on table ops.nights is 'One row per night (business date, Asia/Jakarta): when it was opened, gated and published.';

create table if not exists ops.deliveries (
    delivery_id bigint generated always as identity primary key,
    night date not null references ops.nights,
    agency_code text not null,
    resource text not null,
    connector text,
    frequency text not null default 'nightly' check (frequency in ('nightly', 'irregular')),
    profile text,
    state text not null default 'expected'
        check (state in ('expected', 'received', 'empty', 'late', 'failed', 'not_connected')),
    attempt integer not null default 0,
    received_rows integer not null default 0,
    superseded_rows integer not null default 0,
    loaded_rows integer not null default 0,
    received_events integer not null default 0,
    superseded_events integer not null default 0,
    loaded_events integer not null default 0,
    stated_total integer,
    page_count integer not null default 0,
    byte_count bigint not null default 0,
    content_sha256 text,
    landing_path text,
    watermark_from timestamptz,
    watermark_to timestamptz,
    unknown_fields text[] not null default '{}',
    reason text,
    started_at timestamptz,
    finished_at timestamptz,
    unique (night, agency_code, resource),
    check (received_rows = superseded_rows + loaded_rows),
    check (received_events = superseded_events + loaded_events)
);
-- A delivery is stored in parts, each in one transaction with its checkpoint: the place to go on from after a crash.
-- Rows of a delivery that is not received yet are in raw and nowhere further.
alter table ops.deliveries add column if not exists part_count integer not null default 0;
alter table ops.deliveries add column if not exists checkpoint text;
-- Drift against the delivery before: fields that the profile maps and no record carried, fields of another type.
alter table ops.deliveries add column if not exists missing_fields text[] not null default '{}';
alter table ops.deliveries add column if not exists retyped_fields text[] not null default '{}';
alter table ops.deliveries add column if not exists field_types jsonb;
comment on table ops.deliveries is 'One row per agency, resource and night: what was handed over, or why not. '
    'superseded = the same content as the version we had, or an older duplicate in the same delivery.';
create index if not exists deliveries_agency on ops.deliveries (agency_code, resource, night);

create table if not exists ops.files (
    agency_code text not null,
    resource text not null,
    path text not null,
    fingerprint text not null,
    delivery_id bigint not null references ops.deliveries,
    taken_at timestamptz not null default now(),
    primary key (agency_code, resource, path)
);
comment on table ops.files is 'Files taken from folders that sources fill: a file is taken again only when its fingerprint '
    '(size, time of change, content) is another one.';

create table if not exists ops.builds (
    build_id uuid primary key,
    command text not null,
    selection text,
    schema_prefix text not null,
    as_of date,
    is_full_refresh boolean not null,
    is_successful boolean not null,
    model_count integer not null,
    seed_count integer not null,
    test_count integer not null,
    passed_count integer not null,
    warned_count integer not null,
    failed_count integer not null,
    skipped_count integer not null,
    started_at timestamptz not null,
    finished_at timestamptz not null
);
comment on table ops.builds is 'One row per run of dbt (build, run, test, seed) that came to its end, well or badly; build_id is dbt''s invocation_id. '
    'selection: what of the project was asked for (null: all of it); as_of and schema_prefix: a rebuild of the past, beside the marts. '
    'passed, warned, failed and skipped count models, seeds and tests alike. Says nothing about what is published: that is ops.nights.';
create index if not exists builds_started on ops.builds (started_at);

create table if not exists ops.build_results (
    build_id uuid not null references ops.builds on delete cascade,
    unique_id text not null,
    name text not null,
    resource_type text not null,
    status text not null,
    failing_rows_in text,
    message text check (char_length(message) <= 300),
    failure_count integer,
    row_count bigint,
    seconds numeric not null,
    primary key (build_id, unique_id)
);
comment on table ops.build_results is 'One row per build and model, seed or test: dbt''s status (success, pass, warn, fail, error, skipped), rows written, '
    'rows a test found and the table that keeps them until it runs again. message: the head of dbt''s, without values of rows.';
