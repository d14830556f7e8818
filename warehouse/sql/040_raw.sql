-- What agencies delivered, in canonical columns. A row is one version of one thing as one agency told it on one night;
-- a version is appended only when its content differs from the latest known one. _problems says what could not be read.
create table if not exists raw.agencies (
    row_id bigint generated always as identity primary key,
    night date not null references ops.nights,
    registry text not null,
    is_simulated boolean not null,
    agency_code text not null,
    name text not null,
    kind text not null,
    province_code text,
    regency_code text,
    time_zone text not null,
    connected_on date,
    certainty text,
    content_hash bytea not null,
    unique (agency_code, night)
);
comment on table raw.agencies is 'Versions of the registry: one row per agency and night on which its registry row was new or changed.';

create table if not exists raw.complaints (
    row_id bigint generated always as identity primary key,
    delivery_id bigint not null references ops.deliveries,
    night date not null,
    agency_code text not null,
    source_position text not null,
    source_system text,
    tracking_id text,
    report_class text,
    category_main text,
    category_label text,
    channel text,
    input_method text,
    is_anonymous boolean,
    is_secret boolean,
    kemendagri_code text,
    unit_code text,
    unit_name text,
    supervision_level text,
    status text,
    received_at timestamptz,
    completed_at timestamptz,
    updated_at timestamptz,
    reporter_key text,
    content_hash bytea not null,
    _problems text[] not null default '{}'
);
comment on table raw.complaints is 'Versions of complaints: key (source_system, tracking_id, agency_code), version by content, latest night wins.';
create index if not exists complaints_delivery on raw.complaints (delivery_id);
create index if not exists complaints_night on raw.complaints (night);
create index if not exists complaints_key on raw.complaints (agency_code, source_system, tracking_id, night desc);
create index if not exists complaints_tracking on raw.complaints (source_system, tracking_id);

create table if not exists raw.complaint_events (
    row_id bigint generated always as identity primary key,
    delivery_id bigint not null references ops.deliveries,
    night date not null,
    agency_code text not null,
    source_position text not null,
    source_system text,
    tracking_id text,
    event_seq integer,
    event_type text,
    occurred_at timestamptz,
    unit_code text,
    unit_name text,
    actor_level text,
    content_hash bytea not null,
    _problems text[] not null default '{}'
);
comment on table raw.complaint_events is 'Versions of events: key (source_system, tracking_id, agency_code, event_seq), version by content, latest night wins.';
create index if not exists complaint_events_delivery on raw.complaint_events (delivery_id);
create index if not exists complaint_events_night on raw.complaint_events (night);
create index if not exists complaint_events_key on raw.complaint_events (agency_code, source_system, tracking_id, event_seq, night desc);
create index if not exists complaint_events_tracking on raw.complaint_events (source_system, tracking_id);

create table if not exists raw.survey_responses (
    row_id bigint generated always as identity primary key,
    delivery_id bigint not null references ops.deliveries,
    night date not null,
    agency_code text not null,
    source_position text not null,
    survey_code text,
    respondent_key text,
    wave integer,
    kemendagri_code text,
    responded_on date,
    stratum text,
    sampling_weight numeric,
    answers jsonb,
    content_hash bytea not null,
    _problems text[] not null default '{}'
);
comment on table raw.survey_responses is 'Versions of survey answers: key (survey_code, respondent_key); answers = {attribute: score}.';
create index if not exists survey_responses_delivery on raw.survey_responses (delivery_id);
create index if not exists survey_responses_key on raw.survey_responses (agency_code, survey_code, respondent_key, night desc);

create table if not exists raw.recaps (
    row_id bigint generated always as identity primary key,
    delivery_id bigint not null references ops.deliveries,
    night date not null,
    agency_code text not null,
    source_position text not null,
    subject_code text,
    subject_name text,
    period_start date,
    period_end date,
    received_count integer,
    routed_count integer,
    unverified_count integer,
    unanswered_count integer,
    in_progress_count integer,
    completed_count integer,
    on_hold_count integer,
    archived_count integer,
    content_hash bytea not null,
    _problems text[] not null default '{}'
);
comment on table raw.recaps is 'Versions of totals an agency states: key (agency_code, subject_code, period_start, period_end). '
    'routed_count is a cumulative milestone; the others from unverified to archived are states that should add up to received.';
create index if not exists recaps_delivery on raw.recaps (delivery_id);
create index if not exists recaps_key on raw.recaps (agency_code, subject_code, period_start, night desc);

create table if not exists raw.ratings (
    row_id bigint generated always as identity primary key,
    delivery_id bigint not null references ops.deliveries,
    night date not null,
    agency_code text not null,
    source_position text not null,
    source_system text,
    tracking_id text,
    stars integer,
    rated_at timestamptz,
    reporter_key text,
    content_hash bytea not null,
    _problems text[] not null default '{}'
);
comment on table raw.ratings is 'Versions of the reporter''s rating of a closed complaint: key (source_system, tracking_id, agency_code).';
create index if not exists ratings_delivery on raw.ratings (delivery_id);
create index if not exists ratings_night on raw.ratings (night);
create index if not exists ratings_key on raw.ratings (agency_code, source_system, tracking_id, night desc);

create table if not exists raw.units (
    row_id bigint generated always as identity primary key,
    delivery_id bigint not null references ops.deliveries,
    night date not null,
    agency_code text not null,
    source_position text not null,
    unit_code text,
    unit_name text,
    parent_unit_code text,
    unit_kind text,
    valid_from date,
    valid_to date,
    content_hash bytea not null,
    _problems text[] not null default '{}'
);
comment on table raw.units is 'Versions of an agency''s units (OPD): key (agency_code, unit_code).';
create index if not exists units_delivery on raw.units (delivery_id);
create index if not exists units_key on raw.units (agency_code, unit_code, night desc);

create table if not exists raw.agency_activity (
    row_id bigint generated always as identity primary key,
    delivery_id bigint not null references ops.deliveries,
    night date not null,
    agency_code text not null,
    source_position text not null,
    as_of_date date,
    decree_number text,
    decree_date date,
    last_login_at timestamptz,
    action_plan_stated boolean,
    action_plan_date date,
    liaison_officer_count integer,
    admin_count integer,
    content_hash bytea not null,
    _problems text[] not null default '{}'
);
comment on table raw.agency_activity is 'Versions of how an agency keeps its side running: decree (SK) of its administrators, last login, '
    'action plan, liaison officers; key (agency_code, as_of_date).';
create index if not exists agency_activity_delivery on raw.agency_activity (delivery_id);
create index if not exists agency_activity_key on raw.agency_activity (agency_code, as_of_date, night desc);

create table if not exists restricted.complaint_texts (
    delivery_id bigint not null references ops.deliveries,
    night date not null,
    agency_code text not null,
    source_system text not null,
    tracking_id text not null,
    title text,
    body text
);
comment on table restricted.complaint_texts is 'Redacted title and text of each complaint version; joins to raw.complaints by key and night.';
create index if not exists complaint_texts_key on restricted.complaint_texts (source_system, tracking_id);
create index if not exists complaint_texts_delivery on restricted.complaint_texts (delivery_id);

-- What the gate may know of a text without reading it: how long it is, and whether an Indonesian function word stands in it.
-- The view reads with its owner's rights; the roles that see it see no text.
create or replace view raw.complaint_text_shapes as
select
    delivery_id,
    source_system,
    tracking_id,
    length(coalesce(title, '')) + length(coalesce(body, '')) as text_length,
    coalesce(title, '') || ' ' || coalesce(body, '')
    ~* '\m(yang|dan|di|ke|dari|ini|itu|tidak|belum|sudah|untuk|dengan|ada|saya|kami|pada|mohon|agar|sejak|telah|karena|oleh|akan|dalam)\M'
        as is_indonesian
from restricted.complaint_texts;
comment on view raw.complaint_text_shapes is 'Length of each redacted text, and whether it holds one of the commonest Indonesian function words. No text.';
