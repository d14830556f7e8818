-- Secret complaints (rahasia, and whistleblowing, WBS, always): closed to everybody who does not need them to run the night.

-- Whether any version of a complaint, at any agency, is secret, or does not say. Reads past row security: answers yes or no, nothing else.
create or replace function raw.is_secret_complaint(of_system text, of_id text) returns boolean
language sql stable security definer parallel safe set search_path = pg_catalog, pg_temp as $$
    select coalesce(bool_or(coalesce(is_secret, true) or report_class is not distinct from 'WBS'), true)
    from raw.complaints
    where source_system = of_system and tracking_id = of_id
$$;
revoke execute on function raw.is_secret_complaint from public;
grant execute on function raw.is_secret_complaint to data_engineer;

-- Loading, judging and building need every row; who looks at raw by hand sees none of a secret complaint. Views of dbt's over these tables
-- read with the rights of who asks (security_invoker).
do $$
declare
    complaint_rows text;
begin
    foreach complaint_rows in array array['complaints', 'complaint_events', 'ratings'] loop
        perform ops.set_access(format('raw.%I', complaint_rows)::regclass, null, jsonb_build_array(
            jsonb_build_object('name', 'filled', 'command', 'all', 'roles', array['loader'], 'condition', 'true'),
            jsonb_build_object('name', 'judged_and_built', 'command', 'select', 'roles', array['gate', 'transformer'], 'condition', 'true'),
            jsonb_build_object(
                'name', 'not_secret', 'command', 'select', 'roles', array['data_engineer'],
                'condition', 'not raw.is_secret_complaint(source_system, tracking_id)'
            )
        ));
    end loop;
end
$$;

-- A COPY into a table with row security is refused whatever its policies say, and all rows are the loader's: it goes past row security where
-- the login that applies this file may say so. Where not, python -m extract goes through a staging table, which costs more.
do $$
begin
    if not (select rolbypassrls from pg_roles where rolname = 'loader') then
        alter role loader bypassrls;
    end if;
exception
    when insufficient_privilege then raise notice 'loader stays under row security: this login may not lift it';
end
$$;

-- The Ombudsman may read secret complaints one announced reading at a time. The announcement is written down in a transaction of its own
-- before anything is read, so that a reading that is rolled back leaves its trace as well.
create or replace function library.announce_secret_reading(reason text) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    announced bigint;
begin
    if coalesce(length(btrim(reason)), 0) < 10 then
        raise exception 'A reading of secret complaints needs its reason: at least ten characters, such as the number of the Ombudsman''s file'
            using errcode = 'invalid_parameter_value', hint = 'select library.announce_secret_reading(''LM-0123/2021: ...'')';
    end if;
    insert into library.access_log (role, subject, action, object, details)
    values (
        'ombudsman_reader',
        -- The portal says who its reader is; a session of its own is who it logged in as, whatever it says.
        case session_user when 'portal' then coalesce(nullif(current_setting('app.subject', true), ''), 'portal') else session_user end,
        'restricted_read', 'marts.secret_complaints',
        jsonb_build_object('reason', btrim(reason), 'transaction', pg_current_xact_id()::text)
    )
    returning access_id into announced;
    return announced;
end
$$;
comment on function library.announce_secret_reading is 'Writes down that secret complaints will be read, and why; returns the number that '
    'marts.secret_complaints asks for within the hour. Commit first.';
revoke execute on function library.announce_secret_reading from public;
grant execute on function library.announce_secret_reading to ombudsman_reader;

create or replace function library.is_announced(announced bigint) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select exists (
        select from library.access_log
        where access_id = announced
            and action = 'restricted_read'
            and at > now() - interval '1 hour'
            and subject = case session_user
                when 'portal' then coalesce(nullif(current_setting('app.subject', true), ''), 'portal') else session_user
            end
            -- Not of the transaction that asks, which might be rolled back.
            and pg_xact_status((details ->> 'transaction')::xid8) = 'committed'
    )
$$;
revoke execute on function library.is_announced from public;
grant execute on function library.is_announced to transformer;
grant usage on schema library to transformer;

create or replace function marts.secret_complaints(announced bigint) returns table (
    source_system text, tracking_id text, agency_code text, status_code text, report_class text, category_id text, kemendagri_code text,
    unit_name text, received_date date, routed_at timestamptz, followed_up_at timestamptz, completed_at timestamptz,
    completion_due_date date, completion_outcome text
)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    if not library.is_announced(announced) then
        raise exception 'Reading % of secret complaints is not announced, by you, within the last hour, in a transaction of its own', announced
            using errcode = 'insufficient_privilege', hint = 'Run and commit: select library.announce_secret_reading(''the reason'')';
    end if;
    return query
    select
        complaints.source_system, complaints.tracking_id, complaints.agency_code, complaints.status_code, complaints.report_class,
        complaints.category_id, complaints.kemendagri_code, complaints.unit_name, complaints.received_date, complaints.routed_at,
        complaints.followed_up_at, complaints.completed_at, complaints.completion_due_date, complaints.completion_outcome
    from marts.fct_complaints as complaints
    where complaints.is_secret is not false;
end
$$;
comment on function marts.secret_complaints is 'The secret complaints, for the Ombudsman: announced and written down in library.access_log first '
    '(library.announce_secret_reading). No text, no reporter.';
alter function marts.secret_complaints owner to transformer;
revoke execute on function marts.secret_complaints from public;
grant execute on function marts.secret_complaints to ombudsman_reader;
