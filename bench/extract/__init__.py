"""What extraction costs: ours, three peers and the least that PostgreSQL itself would ask, over the same work.

One HTTP server hands the same pages to everyone, one PostgreSQL takes them, each contender in a process and a database
of its own. `work.py` is the work, `server.py` hands it out, `contenders.py` says how each is run and counted, `cost.py`
measures, `race.py` runs the rounds and prints. The peers (`peers/`) run in `.venv-bench` and import nothing of ours.
"""
