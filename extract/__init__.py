"""From 657 agencies' systems to typed rows in `raw`, every delivery accounted for in the ledger.

`connectors/` know how to read a kind of source (HTTP API, files); `profiles/` (YAML) say how one source system speaks;
`registry/` (CSV) says which agency delivers what through which. `privacy.py` lets no identity pass, `landing.py` seals
the original bytes, `load.py` writes rows and ledger in one transaction, `runner.py` keeps one agency from hurting
another. A new agency is a row, a new source system a profile: neither is code.
"""
