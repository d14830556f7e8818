"""python -m reports.portal: serve the pages and the pull API until Ctrl-C. Settings: LAPOR_PORTAL_* (.env.example).

python -m reports.portal prepare: decide and draw what the pages of the last night need, before somebody asks.
"""

import argparse
import gc
import logging
import sys

import uvicorn

from reports.portal.app import create_app
from reports.portal.log import LOGGER
from reports.portal.pages.prepare import prepare
from reports.portal.settings import portal_settings
from warehouse.log import begin, say


def main(arguments: list[str] | None = None) -> int:
    """Serve until interrupted, or prepare; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m reports.portal")
    parser.add_argument("command", nargs="?", choices=["serve", "prepare"], default="serve")
    if parser.parse_args(arguments).command == "prepare":
        begin("reports.portal prepare")
        say(f"prepared the pages of {prepare()} agencies")
        return 0
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("%(message)s"))
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)
    rules, app = portal_settings(), create_app()
    gc.collect()
    gc.freeze()  # what is loaded now stays: it need not be looked through again and again
    begin("reports.portal")
    say(f"portal: {rules.url}")
    uvicorn.run(
        app,
        host=rules.host,
        port=rules.port,
        forwarded_allow_ips=rules.proxies,
        access_log=False,
        server_header=False,
        log_level="warning",
        h11_max_incomplete_event_size=16 * 1024,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
