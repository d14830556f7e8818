-- What the gate decided. Rows of raw are named by their table and row_id; a delivery's verdict holds for one attempt only,
-- so rows loaded again are outside the marts until they are gated again.
create table if not exists quality.validation_run (
    run_id bigint generated always as identity primary key,
    night date not null references ops.nights,
    attempt integer not null,
    resource text not null,
    suite_hash text not null,
    row_count integer not null,
    verdict text not null check (verdict in ('passed', 'passed_with_quarantine', 'held', 'error')),
    detail text,
    started_at timestamptz not null,
    finished_at timestamptz not null,
    unique (night, attempt, resource)
);
comment on table quality.validation_run is 'One run of one suite over one night.';

create table if not exists quality.expectation_result (
    run_id bigint not null references quality.validation_run on delete cascade,
    rule_id text not null,
    severity text not null check (severity in ('critical', 'warning', 'info')),
    element_count integer not null,
    unexpected_count integer not null,
    primary key (run_id, rule_id)
);
comment on table quality.expectation_result is 'One rule of one run: how many rows it judged and how many failed. No values.';

create table if not exists quality.agency_verdict (
    night date not null,
    agency_code text not null,
    resource text not null,
    attempt integer not null,
    verdict text not null check (verdict in ('pass', 'pass_with_quarantine', 'held')),
    rule_ids text[] not null default '{}',
    reasons text[] not null default '{}',
    decided_at timestamptz not null default now(),
    primary key (night, agency_code, resource),
    foreign key (night, agency_code, resource) references ops.deliveries (night, agency_code, resource)
);
-- A held delivery that someone let in: who, and why.
alter table quality.agency_verdict
    add column if not exists released_by text,
    add column if not exists release_note text;
comment on table quality.agency_verdict is 'The gate''s decision on one delivery; valid for ops.deliveries.attempt = attempt.';

alter table if exists quality.quarantined_record drop constraint if exists quarantined_record_table_name_check;
create table if not exists quality.quarantined_record (
    record_id bigint generated always as identity primary key,
    night date not null,
    agency_code text not null,
    table_name text not null,
    row_id bigint not null,
    source_key text not null,
    source_position text not null,
    row_hash bytea not null,
    rule_ids text[] not null,
    reasons text[] not null,
    status text not null default 'open' check (status in ('open', 'released', 'superseded', 'waived', 'discarded')),
    first_seen date not null,
    last_seen date not null,
    times_seen integer not null default 1,
    decided_by text,
    note text,
    unique (night, table_name, row_id)
);
comment on table quality.quarantined_record is 'A row kept out of the marts, with every rule it broke. Statuses released and waived let it in; a superseded row stays out, its correction is another row.';
create index if not exists quarantined_record_row on quality.quarantined_record (table_name, row_id);
create index if not exists quarantined_record_key on quality.quarantined_record (agency_code, table_name, source_key);

create table if not exists quality.decision_log (
    decision_id bigint generated always as identity primary key,
    decided_at timestamptz not null default now(),
    decision text not null,
    decided_by text not null,
    note text not null,
    record_ids bigint[] not null default '{}',
    delivery text
);
alter table quality.decision_log drop constraint if exists decision_log_decision_check;
alter table quality.decision_log add constraint decision_log_decision_check
    check (decision in ('open', 'waived', 'discarded', 'released', 'regated', 'replayed'));
comment on table quality.decision_log is 'What stewards decided about quarantined rows, held deliveries and nights, by whom and why. Only ever added to.';

create table if not exists quality.row_flag (
    night date not null,
    table_name text not null,
    row_id bigint not null,
    rule_id text not null,
    primary key (table_name, row_id, rule_id)
);
comment on table quality.row_flag is 'A row that is in the marts but broke a warning rule.';
create index if not exists row_flag_night on quality.row_flag (night);

create table if not exists quality.agency_metric (
    night date not null,
    agency_code text not null,
    resource text not null,
    received_rows integer not null,
    loaded_rows integer not null,
    bad_rows integer not null,
    trailing_median numeric,
    content_sha256 text,
    primary key (night, agency_code, resource)
);
-- counts: rows by what they say, e.g. {"status:SELESAI": 12, "class:PENGADUAN": 20, "without:category": 3}.
alter table quality.agency_metric add column if not exists counts jsonb not null default '{}';
comment on table quality.agency_metric is 'What the agency-night rules looked at, and what the rules of later nights compare with.';

create table if not exists quality.night_release (
    night date primary key references ops.nights,
    rule_ids text[] not null,
    released_by text not null,
    note text not null,
    released_at timestamptz not null default now()
);
comment on table quality.night_release is 'A held night that someone let be published, in spite of which rules, and why. Other rules hold it again.';

-- Each rule on each night as last judged, and for how many judged nights in a row it has been broken.
create or replace view quality.rule_history as
with judged as (
    select
        run.night, run.resource as suite, result.rule_id, result.severity, result.element_count, result.unexpected_count
    from quality.expectation_result as result
    inner join quality.validation_run as run using (run_id)
    where run.attempt = (
        select max(latest.attempt) from quality.validation_run as latest
        where latest.night = run.night and latest.verdict <> 'error'
    )
),

streaks as (
    select
        *,
        count(*) filter (where unexpected_count = 0) over (partition by rule_id order by night) as streak
    from judged
)

select
    night, suite, rule_id, severity, element_count as judged_count, unexpected_count as broken_count,
    count(*) filter (where unexpected_count > 0) over (partition by rule_id, streak order by night) as red_nights
from streaks;
comment on view quality.rule_history is 'One row per night and rule, as last judged: how many rows (deliveries, agencies) it judged and how many broke it, '
    'and for how many judged nights in a row, this one included, some did (red_nights). A rule without rows to judge has no row.';

create table if not exists quality.night_alert (
    night date primary key references ops.nights,
    level text not null check (level in ('quiet', 'look', 'act')),
    headline text not null,
    lines text[] not null default '{}',
    composed_at timestamptz not null default now()
);
comment on table quality.night_alert is 'The one message a night gives to whoever is on duty, as last composed: act (now), look (this morning), quiet. '
    'Rules, agencies and counts; no value of any row.';
