"""python superset/import_dashboards.py [--user admin]: bring the dashboards of this folder into Superset.

To be run with the Python of Superset's environment and its settings (README.md). Run it again after a change here or
an upgrade: database, datasets, charts and dashboards of the same uuid are replaced, whatever was made by hand stays.
"""

import argparse
import sys
from pathlib import Path

BUNDLE = Path(__file__).resolve().parent / "dashboards"


def contents_of(bundle: Path) -> dict[str, str]:
    """Path within the bundle -> YAML, as Superset takes what it exports."""
    return {str(path.relative_to(bundle)): path.read_text(encoding="utf-8") for path in sorted(bundle.rglob("*.yaml"))}


def main(arguments: list[str] | None = None) -> int:
    """Import; returns the exit code. Raises what Superset raises for a bundle it refuses."""
    parser = argparse.ArgumentParser(prog="python superset/import_dashboards.py")
    parser.add_argument("--user", default="admin", help="to whom in Superset the dashboards belong")
    options = parser.parse_args(arguments)

    # Superset can be imported only where its settings are, and most of it only inside an application.
    from superset.app import create_app  # type: ignore[import-not-found]

    with create_app().app_context():
        from flask import g
        from superset.commands.importers.v1.assets import ImportAssetsCommand  # type: ignore[import-not-found]

        from superset import security_manager  # type: ignore[attr-defined]

        g.user = security_manager.find_user(username=options.user)
        if g.user is None:
            print(f"Superset has no user {options.user}: superset fab create-admin, or --user NAME")
            return 1
        contents = contents_of(BUNDLE)
        ImportAssetsCommand(contents).run()
    print(f"imported {sum(name.startswith('dashboards/') for name in contents)} dashboards")
    return 0


if __name__ == "__main__":
    sys.exit(main())
