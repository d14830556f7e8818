-- Complaints whose reporter had their key and text erased: what a source delivers of them later is stored without.
create table if not exists restricted.erasures (
    source_system text not null,
    tracking_id text not null,
    erased_at timestamptz not null default now(),
    primary key (source_system, tracking_id)
);
comment on table restricted.erasures is 'One row per complaint of which the reporter''s key and the text were erased (python -m warehouse erase). '
    'The loader reads it: later versions come in without them.';

create or replace function raw.leave_erased_out() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    -- Almost always, and the whole of what a load pays.
    if not exists (select from restricted.erasures) then
        return null;
    end if;
    case tg_table_name
        when 'complaints' then
            update raw.complaints as kept set reporter_key = null
            from arrived inner join restricted.erasures using (source_system, tracking_id)
            where kept.row_id = arrived.row_id and kept.reporter_key is not null;
        when 'ratings' then
            update raw.ratings as kept set reporter_key = null
            from arrived inner join restricted.erasures using (source_system, tracking_id)
            where kept.row_id = arrived.row_id and kept.reporter_key is not null;
        when 'complaint_texts' then
            delete from restricted.complaint_texts as kept
            using (select distinct source_system, tracking_id from arrived) as told
            inner join restricted.erasures using (source_system, tracking_id)
            where kept.source_system = told.source_system and kept.tracking_id = told.tracking_id;
    end case;
    return null;
end
$$;
revoke execute on function raw.leave_erased_out from public;

create or replace trigger erased_stays_out after insert on raw.complaints
referencing new table as arrived for each statement execute function raw.leave_erased_out();
create or replace trigger erased_stays_out after insert on raw.ratings
referencing new table as arrived for each statement execute function raw.leave_erased_out();
create or replace trigger erased_stays_out after insert on restricted.complaint_texts
referencing new table as arrived for each statement execute function raw.leave_erased_out();
