# The images of docker-compose.yml: portal (the pipeline's environment and our code), airflow, which adds Airflow's own, and
# superset, which is apart.
# A task of Airflow is a command of ours: that image holds both, side by side, as a developer's machine does.
# Base images are pinned by version; an organisation that mirrors them pins the digest of its mirror as well.
ARG PYTHON=python:3.11.15-slim-bookworm

# --- environments: nothing but what requirements/ names, by hash -------------------------------------------------------
FROM ${PYTHON} AS uv
ARG UV_VERSION=0.13.9
RUN pip install --no-cache-dir uv==${UV_VERSION}
WORKDIR /opt/lapor

FROM uv AS pipeline-environment
COPY requirements/pipeline.txt requirements/pipeline.txt
RUN python -m venv --without-pip .venv \
    && uv pip sync --no-cache --compile-bytecode --require-hashes --python .venv/bin/python requirements/pipeline.txt

FROM uv AS airflow-environment
COPY requirements/airflow.txt requirements/airflow.txt
RUN python -m venv --without-pip .venv-airflow \
    && uv pip sync --no-cache --compile-bytecode --require-hashes --python .venv-airflow/bin/python requirements/airflow.txt

FROM uv AS superset-environment
COPY requirements/superset.txt requirements/superset.txt
RUN python -m venv --without-pip .venv-superset \
    && uv pip sync --no-cache --compile-bytecode --require-hashes --python .venv-superset/bin/python requirements/superset.txt

# --- what runs: our code is root's, who runs it writes under /var/lib and /tmp only -------------------------------------
FROM ${PYTHON} AS pipeline
# A fresh volume takes over owner and mode of the folder it is mounted on.
RUN useradd --no-log-init --uid 10001 --create-home lapor \
    && install -d -o lapor -g lapor /var/lib/lapor /var/lib/lapor/reports /var/lib/lapor/portal /var/lib/airflow
WORKDIR /opt/lapor
COPY --from=pipeline-environment /opt/lapor/.venv .venv
COPY LICENSE pyproject.toml CHANGELOG.md ./
COPY warehouse warehouse
COPY extract extract
COPY quality quality
COPY dbt_project dbt_project
COPY reports reports
ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    LAPOR_PIPELINE_BIN=/opt/lapor/.venv/bin \
    LAPOR_STATE_DIR=/var/lib/lapor \
    DBT_TARGET_PATH=/var/lib/lapor/dbt/target \
    DBT_LOG_PATH=/var/lib/lapor/dbt/logs
USER 10001

FROM pipeline AS portal
# Its threads share what they free.
ENV MALLOC_ARENA_MAX=2
EXPOSE 8600
CMD ["/opt/lapor/.venv/bin/python", "-m", "reports.portal"]

FROM pipeline AS airflow
COPY --from=airflow-environment /opt/lapor/.venv-airflow .venv-airflow
COPY dags dags
ENV PATH=/opt/lapor/.venv-airflow/bin:$PATH \
    AIRFLOW_HOME=/var/lib/airflow
EXPOSE 8080
CMD ["airflow", "version"]

FROM ${PYTHON} AS superset
RUN useradd --no-log-init --uid 10001 --create-home lapor \
    && install -d -o lapor -g lapor /var/lib/superset
WORKDIR /opt/lapor
COPY --from=superset-environment /opt/lapor/.venv-superset .venv-superset
COPY superset superset
ENV PATH=/opt/lapor/.venv-superset/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    SUPERSET_CONFIG_PATH=/opt/lapor/superset/superset_config.py \
    SUPERSET_HOME=/var/lib/superset
USER 10001
EXPOSE 8088
CMD ["gunicorn", "--bind", "0.0.0.0:8088", "--workers", "2", "--threads", "8", "--timeout", "120", "superset.app:create_app()"]
