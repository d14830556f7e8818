# Everything a person types. Both environments are made on first use, from python3 alone.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
UV := .venv/.uv/bin/uv
UV_VERSION := 0.13.9
READY := .venv/.locked .venv-airflow/.locked
STATE := $(abspath $(or $(LAPOR_STATE_DIR),.state))
SIMULATOR_PORT ?= 8711
RECORDED_PORT ?= 8721
PORTAL_PORT ?= 8600
PROVIDER_PORT ?= 8601
AIRFLOW_PORT ?= 8080
METRICS_PORT ?= # none: nobody asks for metrics
# make up SCHEDULE=yes runs a night at 01:00 WIB by itself; otherwise nights are asked for, in Airflow's pages or API.
SCHEDULE ?= no
# make up SIMULATOR=no: without the pretended agencies, also when the registry is the simulated one.
SIMULATOR ?= $(if $(shell grep -s '^simulated: true' "$(or $(LAPOR_REGISTRY_DIR),extract/registry)/registry.yml"),yes,no)
LOCAL_AIRFLOW := .venv-airflow/bin/python dags/local_airflow.py
DEMO_NIGHTS := 2021-06-27,2021-06-28,2021-06-29,2021-06-30
REAL_FILES := $(abspath ../shared/data/real)
REAL_NIGHT := 2024-09-01

export LAPOR_STATE_DIR := $(STATE)
export LAPOR_PORTAL_PORT ?= $(PORTAL_PORT)
export LAPOR_PORTAL_URL ?= http://127.0.0.1:$(PORTAL_PORT)
export LAPOR_PORTAL_ISSUER ?= http://localhost:$(PROVIDER_PORT)
# The pretended provider asks for a secret and takes any.
export LAPOR_PORTAL_CLIENT_SECRET ?= demo
export LAPOR_CONNECTION_SIMULATOR_HTTP ?= http://127.0.0.1:$(SIMULATOR_PORT)
export LAPOR_CONNECTION_SIMULATOR_DROPS ?= file://$(STATE)/simulator/drops
export LAPOR_CONNECTION_REAL_FILES ?= file://$(REAL_FILES)
export LAPOR_CONNECTION_RECORDED_GEOREPORT ?= http://127.0.0.1:$(RECORDED_PORT)
export Q

# The keys of this state directory, unless the environment brings its own.
define KEYS
[ -n "$${LAPOR_LANDING_KEY:-}" ] || { set -a; . "$(STATE)/env"; set +a; }
endef

# Base URLs and secrets of every pretended agency (SFTP and S3 on the two ports after SIMULATOR_PORT); the secrets guard
# nothing real. The embedded server lends a database of its own, `sumber`, to those whose system is PostgreSQL.
define SOURCES
if [ -z "$${WAREHOUSE_DSN:-}$${LAPOR_SIMULATOR_POSTGRES:-}" ]; then
	dsn="$$(.venv/bin/python -m warehouse dsn)"
	export LAPOR_SIMULATOR_POSTGRES="$$(sed -E 's#/[^/?]*([?]|$$)#/sumber\1#' <<< "$$dsn")"
fi
eval "$$(.venv/bin/python -m simulator env --port $(SIMULATOR_PORT))"
endef

# step WORDS COMMAND...: say what is done, do it, say how long it took.
define STEP
step() { echo "==> $$1"; shift; local began=$$SECONDS; "$$@"; echo "    $$((SECONDS - began)) s"; }
endef

# background NAME PORT COMMAND...: start it, its log in the state directory, and come back when it answers on the port.
# stop_background NAME...: stop what was started so.
define BACKGROUND
background() {
	local name="$$1" port="$$2" pid; shift 2
	stop_background "$$name" > /dev/null
	if (exec 3<> "/dev/tcp/127.0.0.1/$$port") 2> /dev/null; then
		echo "$$name: port $$port is in use; choose another: make PORTAL_PORT=... PROVIDER_PORT=..."; return 1
	fi
	setsid "$$@" > "$(STATE)/$$name.log" 2>&1 < /dev/null &
	pid=$$!; echo "$$pid" > "$(STATE)/$$name.pid"
	until (exec 3<> "/dev/tcp/127.0.0.1/$$port") 2> /dev/null; do
		kill -0 "$$pid" 2> /dev/null || { echo "$$name ended before it answered on port $$port:"; tail -5 "$(STATE)/$$name.log"; return 1; }
		sleep 0.1
	done
}
stop_background() {
	local name pid
	for name in "$$@"; do
		pid="$$(cat "$(STATE)/$$name.pid" 2> /dev/null)" || continue
		case "$$(ps -p "$$pid" -o args= 2> /dev/null)" in *"-m reports.portal"* | *"-m simulator provider"*) kill "$$pid"; echo "$$name stopped" ;; esac
		rm -f "$(STATE)/$$name.pid"
	done
}
endef

# start_portal: the pretended identity provider of the demo (unless LAPOR_PORTAL_ISSUER names another) and the portal.
define PORTAL
start_portal() {
	if [ "$(LAPOR_PORTAL_ISSUER)" = "http://localhost:$(PROVIDER_PORT)" ]; then
		background provider $(PROVIDER_PORT) .venv/bin/python -m simulator provider --port $(PROVIDER_PORT)
	fi
	background portal $(PORTAL_PORT) env MALLOC_ARENA_MAX=2 .venv/bin/python -m reports.portal # its threads share what they free
}
endef

.PHONY: help demo real test lint bench bench-gate bench-fairness bench-marts up status down sql dsn clean lock sbom
help: ## list what can be typed
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(READY) $(STATE)/env ## six months of 657 simulated agencies through the whole pipeline, and what came out
	@$(KEYS)
	$(STEP)
	began=$$SECONDS
	$(BACKGROUND)
	$(PORTAL)
	issue_samples() {
		.venv/bin/python -m reports panrb 2021-06
		.venv/bin/python -m reports ksp 2021-W25
		.venv/bin/python -m reports ombudsman 2021-Q2
		.venv/bin/python -m reports agency 2021-06 --agency KOTA-21.71
	}
	trap '$(LOCAL_AIRFLOW) stop >/dev/null; .venv/bin/python -m simulator down' EXIT
	step "warehouse: PostgreSQL under $(STATE)" .venv/bin/python -m warehouse up
	$(SOURCES)
	step "simulator: 657 agencies, January to June 2021" .venv/bin/python -m simulator up \
		--from 2021-01-01 --to 2021-06-30 --nights $(DEMO_NIGHTS) --port $(SIMULATOR_PORT)
	step "airflow: the initial load and three nights" $(LOCAL_AIRFLOW) run --nights $(DEMO_NIGHTS)
	step "reports: one for each body, and one agency's" issue_samples
	step "portal: what its pages show, decided and drawn" .venv/bin/python -m reports.portal prepare
	step "portal: pages, downloads and the pull API" start_portal
	step "summary" .venv/bin/python -m reports summary --published KOTA-21.71
	echo "the portal: $(LAPOR_PORTAL_URL)"
	echo "    sign in as: ombudsman, panrb, ksp, kota-batam (an agency) or tamu (nobody); the demo's identity provider believes it"
	echo '    by token:   curl -H "Authorization: Bearer $$(curl -s -d reader=ksp $(LAPOR_PORTAL_ISSUER)/machine-token)" $(LAPOR_PORTAL_URL)/api/v1/reports'
	echo "    the files:  $(STATE)/reports"
	echo "done in $$((SECONDS - began)) s; warehouse and portal stay up: make sql Q=\"select ...\", make down"

real: $(READY) ## the same pipeline over real data: East Java's official recaps, NYC 311, recorded Open311 answers
	@if [ ! -d "$(REAL_FILES)" ]; then echo "make real: skipped, the real files are not at $(REAL_FILES)"; exit 0; fi
	export LAPOR_STATE_DIR="$(STATE)/real" LAPOR_REGISTRY_DIR="$(CURDIR)/extract/registry_real"
	$(MAKE) "$(STATE)/real/env" STATE="$(STATE)/real"
	[ -n "$${LAPOR_LANDING_KEY:-}" ] || { set -a; . "$(STATE)/real/env"; set +a; }
	$(STEP)
	.venv/bin/python -m simulator recorded "$(REAL_FILES)/open311_georeport" --port $(RECORDED_PORT) & recorded=$$!
	trap 'kill $$recorded || true; $(LOCAL_AIRFLOW) stop >/dev/null' EXIT
	step "warehouse: PostgreSQL under $(STATE)/real" .venv/bin/python -m warehouse up
	step "airflow: one night over real files" $(LOCAL_AIRFLOW) run --nights $(REAL_NIGHT)
	step "summary" .venv/bin/python -m reports summary
	echo "query it with: LAPOR_STATE_DIR=$(STATE)/real make sql Q=\"select ...\""

test: $(READY) .venv-audit/.locked ## every test, against real servers of its own
	.venv/bin/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder

lint: $(READY) .venv-audit/.locked ## ruff, mypy --strict, sqlfluff, descriptions, licences, and known vulnerabilities where the network allows
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/mypy dags/local_airflow.py dags/run_note.py requirements/audit.py
	.venv/bin/mypy --python-executable .venv-airflow/bin/python dags/lapor_nightly.py dags/lapor_reports.py dags/lapor_maintenance.py
	.venv/bin/sqlfluff lint --disable-progress-bar dbt_project/models dbt_project/tests
	.venv/bin/python -m pytest -q -p no:cacheprovider tests/dbt_project/test_models_are_described.py tests/dbt_project/test_seeds.py
	.venv/bin/python requirements/audit.py licences
	# An advisory of last night is no fault of this change: it is said here, and it stops a release (docs/releasing.md).
	.venv/bin/python requirements/audit.py vulnerabilities || true

sbom: $(READY) .venv-audit/.locked ## what a release is made of (CycloneDX), into .state/release; stops at a known vulnerability
	.venv/bin/python requirements/audit.py vulnerabilities
	.venv/bin/python requirements/audit.py sbom "$(STATE)/release"

bench: $(READY) .venv-bench/.locked ## what a night costs, whether it grows with the history, and extraction against others
	.venv/bin/python -m bench night
	.venv/bin/python -m bench extract

bench-gate: $(READY) ## what the gate catches of the dirt the simulator hid, and what judging a large night costs
	.venv/bin/python -m bench gate

bench-fairness: $(READY) ## whether the comparison of agencies is right: 200 pretended nations whose truth is known (10 minutes)
	.venv/bin/python -m bench fairness

bench-marts: $(READY) ## a night's build over 1 and 10 million complaints of history, and analysts' questions (70 GB of disk, over an hour)
	.venv/bin/python -m bench marts

up: $(READY) $(STATE)/env ## warehouse, Airflow and portal in the foreground, with one log, until Ctrl-C
	@$(KEYS)
	$(BACKGROUND)
	stop_background portal provider
	.venv/bin/python -m warehouse up
	$(SOURCES)
	beside=(--beside "warehouse=.venv/bin/python -m warehouse up --stay")
	if [ "$(SIMULATOR)" = yes ]; then
		beside+=(--beside "simulator=.venv/bin/python -m simulator serve --from 2021-01-01 --to 2021-06-30 --nights $(DEMO_NIGHTS) --port $(SIMULATOR_PORT)")
	fi
	if [ "$(LAPOR_PORTAL_ISSUER)" = "http://localhost:$(PROVIDER_PORT)" ]; then
		beside+=(--beside "provider=.venv/bin/python -m simulator provider --port $(PROVIDER_PORT)")
	fi
	beside+=(--beside "portal=env MALLOC_ARENA_MAX=2 .venv/bin/python -m reports.portal") # its threads share what they free
	if [ -n "$(METRICS_PORT)" ]; then
		beside+=(--beside "metrics=.venv/bin/python -m warehouse metrics --serve $(METRICS_PORT)")
	fi
	echo "portal: $(LAPOR_PORTAL_URL)   Airflow: http://127.0.0.1:$(AIRFLOW_PORT)   state: make status"
	exec $(LOCAL_AIRFLOW) up --port $(AIRFLOW_PORT) $(if $(filter yes,$(SCHEDULE)),--with-schedule) "$${beside[@]}"

status: $(READY) ## what is well, what is not and what to do about it; exit code 0 ok, 1 warning, 2 broken
	@if [ -z "$${LAPOR_LANDING_KEY:-}" ] && [ -f "$(STATE)/env" ]; then set -a; . "$(STATE)/env"; set +a; fi
	$(LOCAL_AIRFLOW) status | .venv/bin/python -m warehouse status --with -

down: $(READY) ## stop everything
	@failed=0
	$(BACKGROUND)
	stop_background portal provider
	for state in "$(STATE)" "$(STATE)/real"; do
		[ -d "$$state" ] || continue
		export LAPOR_STATE_DIR="$$state"
		$(LOCAL_AIRFLOW) stop || failed=1
		.venv/bin/python -m simulator down || failed=1
		.venv/bin/python -m warehouse down || failed=1
	done
	exit $$failed

sql: $(READY) ## run a query as data_engineer: make sql Q="select count(*) from marts.fct_complaints"; without Q a prompt
	@if [ -n "$${Q:-}" ]; then exec .venv/bin/python -m warehouse psql -- -P pager=off -c "$$Q"; fi
	exec .venv/bin/python -m warehouse psql

dsn: $(READY) ## print the warehouse's connection string
	@.venv/bin/python -m warehouse dsn

clean: ## stop everything and remove what it wrote (.state, backups in it too); the environments stay
	@[ ! -d "$(STATE)" ] || $(MAKE) down
	rm -rf "$(STATE)"

lock: $(UV) ## choose the newest versions the requirements allow and write them down with their hashes
	export UV_CUSTOM_COMPILE_COMMAND="make lock"
	for environment in pipeline airflow bench audit superset; do
		$(UV) pip compile --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url -q \
			requirements/$$environment.in -o requirements/$$environment.txt
	done

$(STATE)/env: | .venv/.locked
	@mkdir -p "$(@D)"
	(umask 077; .venv/bin/python -m extract new-keys > "$@.part")
	mv "$@.part" "$@"
	echo "keys of this state directory written to $@ (mode 600); whoever loses them cannot open the landing files"

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
		|| { echo "Python 3.11 to 3.13 is needed: make PYTHON=python3.13 ..."; exit 1; }
	$(PYTHON) -c 'import ensurepip' || { echo "Python's venv is missing: apt-get install python3-venv"; exit 1; }
	echo "==> installing uv $(UV_VERSION)"
	$(PYTHON) -m venv .venv/.uv
	.venv/.uv/bin/python -m pip install -q uv==$(UV_VERSION)

# Locked environments: nothing but what requirements/ names, by hash.
.venv/.locked: requirements/pipeline.txt | $(UV)
	@echo "==> environment .venv: the pipeline"
	[ -x .venv/bin/python ] || $(PYTHON) -m venv --without-pip .venv
	$(UV) pip sync -q --compile-bytecode --require-hashes --python .venv/bin/python $<
	touch $@

.venv-airflow/.locked: requirements/airflow.txt | $(UV)
	@echo "==> environment .venv-airflow: Airflow"
	[ -x .venv-airflow/bin/python ] || $(PYTHON) -m venv --without-pip .venv-airflow
	$(UV) pip sync -q --compile-bytecode --require-hashes --python .venv-airflow/bin/python $<
	touch $@

# Without it the bench still measures ours and the limit.
.venv-bench/.locked: requirements/bench.txt | $(UV)
	@echo "==> environment .venv-bench: what extraction is compared with"
	[ -x .venv-bench/bin/python ] || $(PYTHON) -m venv --without-pip .venv-bench
	if $(UV) pip sync -q --compile-bytecode --require-hashes --python .venv-bench/bin/python $<; then
		touch $@
	else
		echo "    it could not be installed here: the bench goes on without dlt, Singer and pandas"
	fi

# Without it, licences are still looked at.
.venv-audit/.locked: requirements/audit.txt | $(UV)
	@echo "==> environment .venv-audit: what looks for known vulnerabilities"
	[ -x .venv-audit/bin/python ] || $(PYTHON) -m venv --without-pip .venv-audit
	if $(UV) pip sync -q --compile-bytecode --require-hashes --python .venv-audit/bin/python $<; then
		touch $@
	else
		echo "    it could not be installed here: vulnerabilities will not be looked for"
	fi
