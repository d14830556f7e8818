-- The rooms of the warehouse, in the order a complaint walks through them.
create schema if not exists raw;
create schema if not exists restricted;
create schema if not exists quality;
create schema if not exists ops;
create schema if not exists library;
create schema if not exists staging authorization transformer;
create schema if not exists intermediate authorization transformer;
create schema if not exists marts authorization transformer;
create schema if not exists test_failures authorization transformer;

comment on schema raw is 'What agencies delivered: typed, keyed, redacted; append-only by night.';
comment on schema restricted is 'Redacted free text of complaints; never in staging or marts.';
comment on schema quality is 'What the gate decided: verdicts, quarantine, results.';
comment on schema ops is 'The ledger: nights, deliveries and builds.';
comment on schema library is 'What was issued: reports, their files, the cells they showed or hid, and who read what.';
comment on schema staging is 'Raw minus open quarantine minus held deliveries, and the reference seeds (dbt).';
comment on schema intermediate is 'Steps between staging and marts (dbt); not for querying.';
comment on schema marts is 'What people query (dbt).';
comment on schema test_failures is 'Rows that dbt tests found when they ran last, a table per test; ops.build_results names those of a test that failed.';

-- Nobody makes objects in public or connects by default to what is not theirs.
revoke create on schema public from public;
