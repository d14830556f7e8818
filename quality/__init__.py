"""The gate between raw and staging: which rows and deliveries of a night are fit to build on.

Great Expectations is imported here and nowhere else. It reads raw and the ledger and writes schema `quality`; it never
changes what was delivered. See README.md for the kinds of checks and the table of rules.
"""

import os

# Great Expectations reports its use to its maker unless told otherwise, before it is first imported.
os.environ["GX_ANALYTICS_ENABLED"] = "false"
