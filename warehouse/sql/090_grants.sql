-- Least privilege: each role reads and writes what its job names, nothing else.
grant usage on schema raw, restricted, ops to loader;
grant select, insert, update, delete on all tables in schema raw, restricted, ops to loader;
revoke insert, update, delete on ops.builds, ops.build_results, restricted.erasures from loader;

-- The gate may name the restricted texts to refresh their statistics (below) and may not read them.
grant usage on schema raw, restricted, ops, quality to gate;
grant select on all tables in schema raw, ops to gate;
grant update (changed_seq, gated_at) on ops.nights to gate;
grant select, insert, update, delete on all tables in schema quality to gate;
revoke update, delete on quality.decision_log from gate;

grant usage on schema raw, ops, quality to transformer;
grant select on all tables in schema raw, ops, quality to transformer;
grant update (built_seq) on ops.nights to transformer;
grant insert on ops.builds, ops.build_results to transformer;

grant usage on schema marts to reporter, panrb_analyst, ksp_reader, ombudsman_reader, agency_reader;
grant usage on schema raw, ops, quality, staging, intermediate, marts, test_failures to data_engineer;
grant select on all tables in schema raw, ops, quality to data_engineer;
-- It names every complaint, secret ones too.
revoke select on raw.complaint_text_shapes from data_engineer;
-- The reports name the night and say whether its figures are simulated.
grant usage on schema ops, quality to reporter;
grant select on ops.nights to reporter;
-- So do the pages of the portal, as each of its readers.
grant usage on schema ops to panrb_analyst, ksp_reader, ombudsman_reader, agency_reader;
grant select (night, cut_off_at, is_simulated, published_at) on ops.nights to panrb_analyst, ksp_reader, ombudsman_reader, agency_reader;
-- The summary says which rules kept rows out; whose rows they are it does not need.
grant select (night, agency_code, table_name, rule_ids, reasons, status) on quality.quarantined_record to reporter;
grant select on quality.rule_history to reporter;
-- What dbt makes later, schemas of a rebuilt past too, is the engineers' to read; dbt_project.yml grants the marts to the others.
alter default privileges for role transformer grant usage on schemas to data_engineer;
alter default privileges for role transformer grant select on tables to data_engineer;
-- dbt rebuilds the past beside the present (var schema_prefix), and it and the gate refresh the planner's statistics of what
-- was just loaded (maintain: not reading, not writing).
do $$
begin
    execute format('grant create on database %I to transformer', current_database());
    if current_setting('server_version_num')::integer >= 170000 then
        grant maintain on all tables in schema raw, ops, quality to transformer;
        grant maintain on all tables in schema raw, restricted, ops, quality to gate;
    end if;
end
$$;
