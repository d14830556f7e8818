# One image for every service: the pipeline's environment and Airflow's, side by side, as on a developer's machine.
FROM python:3.11-slim-bookworm AS environments
ARG UV_VERSION=0.13.9
RUN pip install --no-cache-dir uv==${UV_VERSION}
WORKDIR /opt/lapor
COPY requirements ./requirements
RUN python -m venv --without-pip .venv \
    && uv pip sync --no-cache --compile-bytecode --require-hashes --python .venv/bin/python requirements/pipeline.txt \
    && python -m venv --without-pip .venv-airflow \
    && uv pip sync --no-cache --compile-bytecode --require-hashes --python .venv-airflow/bin/python requirements/airflow.txt

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --create-home lapor \
    && install -d -o lapor -g lapor /var/lib/lapor /var/lib/airflow
WORKDIR /opt/lapor
COPY --from=environments /opt/lapor/.venv ./.venv
COPY --from=environments /opt/lapor/.venv-airflow ./.venv-airflow
COPY . .
# dbt writes its parsed project beside the models.
RUN install -d -o lapor -g lapor dbt_project/target dbt_project/logs
ENV PATH=/opt/lapor/.venv-airflow/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    LAPOR_PIPELINE_BIN=/opt/lapor/.venv/bin \
    LAPOR_STATE_DIR=/var/lib/lapor \
    AIRFLOW_HOME=/var/lib/airflow
USER lapor
