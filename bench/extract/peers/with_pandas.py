"""By hand: requests, one agency after the other, and pandas.to_sql into two tables."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import requests
import sqlalchemy
from requests.adapters import HTTPAdapter
from urllib3 import Retry

PAGES_AT_ONCE = 25


def main(agencies: Path, database: str) -> None:
    """Load every agency, some pages at a time, so that a backfill need not fit into memory."""
    engine = sqlalchemy.create_engine(database.replace("postgresql:", "postgresql+psycopg2:"))
    with requests.Session() as session, engine.begin() as connection:
        session.mount("http://", HTTPAdapter(max_retries=Retry(5, backoff_factor=0.1, status_forcelist=[503])))
        connection.execute(sqlalchemy.text("create schema if not exists bench"))
        gathered: list[dict[str, Any]] = []
        for number, page in enumerate(_pages(session, agencies.read_text().split()), start=1):
            gathered += page
            if number % PAGES_AT_ONCE == 0:
                _load(connection, gathered)
                gathered = []
        _load(connection, gathered)


def _pages(session: requests.Session, addresses: list[str]) -> Iterator[list[dict[str, Any]]]:
    for address in addresses:
        code = address.rpartition("/")[2]
        number = page_count = 1
        while number <= page_count:
            answer = session.get(address, params={"halaman": number, "per_halaman": 200}, timeout=20)
            answer.raise_for_status()
            content = answer.json()
            page_count, number = content["meta"]["jumlah_halaman"], number + 1
            yield [{"agency_code": code, **record} for record in content["data"]]


def _load(connection: sqlalchemy.Connection, records: list[dict[str, Any]]) -> None:
    if not records:
        return
    complaints = pd.json_normalize(records, sep="_").drop(columns="riwayat")
    events = pd.json_normalize(
        [record for record in records if record["riwayat"]], "riwayat", ["agency_code", "nomor_laporan"], sep="_"
    )
    for name, frame in (("complaints", complaints), ("events", events)):
        frame.to_sql(name, connection, schema="bench", if_exists="append", index=False, chunksize=10_000)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
