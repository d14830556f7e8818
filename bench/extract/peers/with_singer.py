# mypy: disable-error-code="import-not-found,misc"
"""A Singer tap on its SDK; `target-postgres` of Meltano takes what it prints.

`main` starts both and joins them by a pipe; with --config this is the tap alone. The events stay a JSON column:
a child stream of the SDK would cost a round of its own for each complaint.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import requests
from singer_sdk import RESTStream, Tap
from singer_sdk import typing as th
from singer_sdk.pagination import BasePageNumberPaginator

UNIT = th.ObjectType(th.Property("kode", th.StringType), th.Property("nama", th.StringType))
PERSON = th.ObjectType(*(th.Property(name, th.StringType) for name in ("nama", "nik", "telepon", "email", "alamat")))
EVENT = th.ObjectType(
    th.Property("urutan", th.IntegerType),
    th.Property("jenis", th.StringType),
    th.Property("waktu", th.DateTimeType),
    th.Property("unit", UNIT),
    th.Property("aktor", th.StringType),
)
TEXTS = ("judul", "isi", "klasifikasi", "kategori", "kanal", "cara_input", "wilayah", "kadar_pengawasan", "status")


class Numbers(BasePageNumberPaginator):
    """Pages by number up to the stated last."""

    def has_more(self, response: requests.Response) -> bool:
        """Whether a page follows."""
        meta = response.json()["meta"]
        return bool(meta["halaman"] < meta["jumlah_halaman"])


class Complaints(RESTStream[int]):
    """All agencies' complaints, one partition each."""

    name = "complaints"
    path = ""  # each agency has an address of its own
    url_base = ""
    primary_keys = ("agency_code", "nomor_laporan")
    state_partitioning_keys = ()
    schema = th.PropertiesList(
        th.Property("agency_code", th.StringType, required=True),
        th.Property("nomor_laporan", th.StringType, required=True),
        *(th.Property(name, th.StringType) for name in TEXTS),
        *(th.Property(name, th.BooleanType) for name in ("anonim", "rahasia")),
        *(th.Property(name, th.DateTimeType) for name in ("tanggal_masuk", "tanggal_ubah")),
        th.Property("unit", UNIT),
        th.Property("pelapor", PERSON),
        th.Property("riwayat", th.ArrayType(EVENT)),
    ).to_dict()

    @property
    def partitions(self) -> list[dict[str, str]]:
        """One for each agency."""
        return [{"address": address} for address in Path(self.config["agencies"]).read_text().split()]

    def get_url(self, context: Any) -> str:
        """The address of the partition's agency."""
        return str(context["address"])

    def get_new_paginator(self) -> Numbers:
        """Count from the first page."""
        return Numbers(start_value=1)

    def get_url_params(self, context: Any, next_page_token: int | None) -> dict[str, Any]:
        """The query of one page."""
        return {"halaman": next_page_token or 1, "per_halaman": 200}

    def parse_response(self, response: requests.Response) -> Iterable[dict[str, Any]]:
        """The records, without a search by JSONPath."""
        yield from response.json()["data"]

    def post_process(self, row: dict[str, Any], context: Any = None) -> dict[str, Any]:
        """The record with the agency it is of."""
        row["agency_code"] = context["address"].rpartition("/")[2]
        return row


class BenchTap(Tap):
    """The tap."""

    name = "tap-bench"
    config_jsonschema = th.PropertiesList(th.Property("agencies", th.StringType, required=True)).to_dict()

    def discover_streams(self) -> list[Complaints]:
        """The one stream."""
        return [Complaints(self)]


def main(agencies: Path, database: str) -> int:
    """Run the tap into the target; 0 when both were content."""
    settings = {
        "tap": {"agencies": str(agencies)},
        "target": {
            "sqlalchemy_url": database.replace("postgresql:", "postgresql+psycopg:"),
            "default_target_schema": "bench",
            "use_copy": True,
            "load_method": "append-only",
            "validate_records": False,
            "add_record_metadata": False,
            "activate_version": False,
            "batch_size_rows": 20_000,
        },
    }
    for name, content in settings.items():
        (agencies.parent / f"{name}.json").write_text(json.dumps(content))
    os.environ["LOGLEVEL"] = "WARNING"
    target = Path(sys.executable).parent / "target-postgres"
    command = [sys.executable, "-m", "bench.extract.peers.with_singer", "--config", str(agencies.parent / "tap.json")]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE) as tapping,
        subprocess.Popen([target, "--config", agencies.parent / "target.json"], stdin=tapping.stdout) as loading,
    ):
        assert tapping.stdout is not None
        tapping.stdout.close()
    return tapping.returncode or loading.returncode


if __name__ == "__main__":
    if "--config" in sys.argv:
        BenchTap.cli()
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
