"""PostgreSQL: where it is, how to reach it, what stands in it before dbt builds.

This package knows nothing of the others; they know it. It owns the connection, the embedded server, the
environment (`settings`), and the schemas, tables and roles that are not dbt's, as ordered SQL files.
"""
