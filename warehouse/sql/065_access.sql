-- Who may read a relation, and which of its rows: set as a whole, so that nothing of before stays open.

-- Makes `readers` the only roles beside the owner with a right on the relation (to select; null: rights are granted elsewhere), and `policies` its only row policies:
-- [{"name": ..., "command": "select", "roles": [...], "condition": ...}]; with none, row security is off. Whoever is named by no policy then
-- sees no row. Changes only what differs, as a change of policies waits for every reader of the relation; each policy carries what it was
-- made from as its comment. The caller must own the relation.
create or replace function ops.set_access(relation regclass, readers text[], policies jsonb default '[]') returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    owner_id oid;
    was_secured boolean;
    wanted record;
    other record;
begin
    select relowner, relrowsecurity into owner_id, was_secured from pg_class where oid = relation;

    for other in
        select distinct coalesce(role.rolname, 'public') as grantee
        from pg_class as class
        cross join aclexplode(class.relacl) as right_of
        left join pg_roles as role on right_of.grantee = role.oid
        where class.oid = relation and right_of.grantee <> owner_id
            and readers is not null and not (right_of.privilege_type = 'SELECT' and role.rolname is not null and role.rolname = any(readers))
    loop
        execute format('revoke all on %s from %s', relation, case other.grantee when 'public' then 'public' else quote_ident(other.grantee) end);
    end loop;
    for other in
        select reader from unnest(readers) as reader
        where not exists (
            select from pg_class as class, aclexplode(class.relacl) as right_of
            where class.oid = relation and right_of.grantee = reader::regrole and right_of.privilege_type = 'SELECT'
        )
    loop
        execute format('grant select on %s to %I', relation, other.reader);
    end loop;

    for wanted in
        select
            policy.name,
            format('%s to %s: %s', policy.command, array_to_string(policy.roles, ', '), policy.condition) as made_from,
            format(
                'create policy %I on %s for %s to %s using (%s)', policy.name, relation, policy.command,
                (select string_agg(quote_ident(role), ', ') from unnest(policy.roles) as role), policy.condition
            ) as statement
        from jsonb_to_recordset(policies) as policy (name text, command text, roles text[], condition text)
        where not exists (
            select from pg_policy
            where polrelid = relation and polname = policy.name
                and obj_description(oid, 'pg_policy')
                    = format('%s to %s: %s', policy.command, array_to_string(policy.roles, ', '), policy.condition)
        )
    loop
        execute format('drop policy if exists %I on %s', wanted.name, relation);
        execute wanted.statement;
        execute format('comment on policy %I on %s is %L', wanted.name, relation, wanted.made_from);
    end loop;
    for other in
        select polname from pg_policy
        where polrelid = relation and polname not in (select policy.name from jsonb_to_recordset(policies) as policy (name text))
    loop
        execute format('drop policy %I on %s', other.polname, relation);
    end loop;

    if was_secured <> (jsonb_array_length(policies) > 0) then
        execute format('alter table %s %s row level security', relation, case when was_secured then 'disable' else 'enable' end);
    end if;
end
$$;
comment on function ops.set_access is 'Makes these the only readers of a relation and these its only row policies.';
revoke execute on function ops.set_access from public;
grant execute on function ops.set_access to transformer;
