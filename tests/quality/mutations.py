"""Switch every rule of the gate off, one after the other, and see that a test fails each time.

    python -m tests.quality.mutations [rule_id ...]

Takes some ten seconds a rule, and is run when rules or their tests change; prints the rules nobody would miss, and exits
1 if there are any.
"""

import os
import subprocess
import sys

from quality.suites import rules_by_id

# Where a rule's own bad rows are; the first failure ends the run.
FILES = (
    "test_row_rules.py",
    "test_rules_across_rows.py",
    "test_stale_recaps.py",
    "test_delivery_rules.py",
    "test_usual.py",
)


def main(chosen: list[str]) -> int:
    """Try each rule; returns how the command ends."""
    rules = chosen or list(rules_by_id())
    unmissed = [rule_id for rule_id in rules if not _is_missed(rule_id)]
    print(f"{len(rules) - len(unmissed)} of {len(rules)} rules are missed by a test when they are off")
    print("\n".join(f"NOT MISSED: {rule_id}" for rule_id in unmissed))
    return 1 if unmissed else 0


def _is_missed(rule_id: str) -> bool:
    tests = [f"tests/quality/{file}" for file in FILES]
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests],
        env=os.environ | {"LAPOR_TEST_WITHOUT_RULE": rule_id},
        capture_output=True,
        check=False,
    )
    print(f"{rule_id}: {'missed' if ended.returncode == 1 else f'pytest ended with {ended.returncode}'}", flush=True)
    return ended.returncode == 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
