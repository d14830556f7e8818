"""How others would do the work: each a program of `.venv-bench`, called with AGENCIES_FILE DATABASE_URL.

They fetch, flatten and load; they land nothing, redact nothing and keep no ledger.
"""
