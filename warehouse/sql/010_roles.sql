-- Who may be someone here. Group roles without login: a person's or service's own login is granted one of them
-- (grant panrb_analyst to budi_login), and every command of ours says which one it acts as.
do $$
declare
    role_name text;
begin
    foreach role_name in array array[
        'loader',           -- extract: writes raw, restricted and the ledger
        'gate',             -- quality: reads raw, writes verdicts
        'transformer',      -- dbt: reads raw and verdicts, owns staging, intermediate and marts
        'reporter',         -- reports and portal: read marts
        'panrb_analyst',    -- Kemen PANRB: all marts
        'ksp_reader',       -- KSP: reports, no complaint rows
        'ombudsman_reader', -- Ombudsman RI: reports and complaint rows
        'data_engineer'     -- runs it: reads everything but the restricted text
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
