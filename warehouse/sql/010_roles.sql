-- Who may be someone here. Group roles without login: a person's or service's own login is granted one of them
-- (grant panrb_analyst to panrb_17), and every command of ours says which one it acts as.
do $$
declare
    role_name text;
begin
    foreach role_name in array array[
        'loader',           -- extract: writes raw, restricted and the ledger
        'gate',             -- quality: reads raw, writes verdicts
        'transformer',      -- dbt: reads raw and verdicts, owns staging, intermediate and marts
        'reporter',         -- reports: reads marts, files issues in the library
        'panrb_analyst',    -- Kemen PANRB: all marts, complaint rows that are not secret
        'ksp_reader',       -- KSP: reports, no complaint rows
        'ombudsman_reader', -- Ombudsman RI: as the analyst; secret complaints one by one, announced and written down
        'agency_reader',    -- one agency, through the portal alone: its own rows
        'data_engineer'     -- runs it: reads everything but the restricted text and secret complaints
    ]
    loop
        if not exists (select from pg_roles where rolname = role_name) then
            execute format('create role %I nologin noinherit', role_name);
        end if;
        -- The login that applies this file may act as each role, as our commands do.
        if not pg_has_role(session_user, role_name, 'member') then
            execute format('grant %I to %I', role_name, session_user);
        end if;
    end loop;
end
$$;

-- The portal's own login. Not inheriting, it may do nothing as itself but write down who read what; per request it becomes one of the readers.
-- It has no password until an administrator gives it one.
do $$
begin
    if not exists (select from pg_roles where rolname = 'portal') then
        create role portal login noinherit;
    end if;
    if not pg_has_role(session_user, 'portal', 'member') then
        execute format('grant portal to %I', session_user);
    end if;
    grant panrb_analyst, ombudsman_reader, ksp_reader, agency_reader to portal;
end
$$;
