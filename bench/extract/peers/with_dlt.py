# mypy: disable-error-code="import-not-found,untyped-decorator"
"""dlt: a list of agencies, a transformer that pages through each, and PostgreSQL.

A third argument chooses one of SETTINGS. `parquet` is the cheapest of those where dlt reads the JSON itself; the
cheapest of all, `arrow parquet`, leaves it only the loading of tables that we have flattened for it. In both rows are
appended, which is cheaper for dlt than a merge, and one failing agency ends the whole run, as it is dlt's way within a
pipeline. `apart` promises what a nation's night has to: a run for each agency, so that one that fails is one that is
missing, and rows merged by their key, so that a night can be run again.
"""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import dlt
import pyarrow as pa
from dlt.sources.helpers import requests


@dataclass(frozen=True, slots=True)
class Setting:
    """How dlt is told to work: the format of its load packages, processes that normalise, and who flattens.

    With `arrow` we hand it Arrow tables that are flat already, so that it has nothing left to infer or normalise; with
    `parallel` it asks several agencies at once, which costs CPU and pays when they are far away; with `apart` each
    agency has a run of its own, merged by key.
    """

    file_format: str
    normalize_workers: int = 1
    arrow: bool = False
    parallel: bool = False
    apart: bool = False


SETTINGS = {
    "insert": Setting("insert_values"),
    "csv": Setting("csv"),
    "csv, 2 normalisers": Setting("csv", normalize_workers=2),
    "parquet": Setting("parquet"),
    "parquet, parallel": Setting("parquet", parallel=True),
    "apart": Setting("parquet", apart=True),
    "arrow csv": Setting("csv", arrow=True),
    "arrow parquet": Setting("parquet", arrow=True),
    "arrow parquet, parallel": Setting("parquet", arrow=True, parallel=True),
}


def main(agencies: Path, database: str, setting: Setting) -> None:
    """One pipeline run, or one for each agency: extract, normalise, load."""
    os.environ |= {
        "DLT_DATA_DIR": str(agencies.parent / "dlt"),
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "RUNTIME__LOG_LEVEL": "ERROR",
        "NORMALIZE__WORKERS": str(setting.normalize_workers),
        "NORMALIZE__LOADER_FILE_FORMAT": setting.file_format,
        "EXTRACT__WORKERS": "20",
        "EXTRACT__MAX_PARALLEL_ITEMS": "32",
        "LOAD__WORKERS": "4",
        "DATA_WRITER__BUFFER_MAX_ITEMS": "20000",
    }

    pipeline = dlt.pipeline(
        "bench",
        pipelines_dir=str(agencies.parent / "dlt"),
        destination=dlt.destinations.postgres(_credentials(database)),
        dataset_name="bench",
    )
    addresses = agencies.read_text().split()
    for some in [[address] for address in addresses] if setting.apart else [addresses]:
        pipeline.run(
            _source(some, setting),
            write_disposition="merge" if setting.apart else "append",
            primary_key=("agency_code", "nomor_laporan") if setting.apart else None,
            loader_file_format=setting.file_format,
        )


def _source(chosen: list[str], setting: Setting) -> Any:
    @dlt.resource(name="agencies")
    def addresses() -> Iterator[str]:
        yield from chosen

    if setting.arrow:

        @dlt.transformer(data_from=addresses, parallelized=setting.parallel, name="fetched")
        def fetched(address: str) -> Iterator[Any]:
            for records in _pages(address):
                if records:
                    yield from _tables(records)

        return addresses | fetched

    @dlt.transformer(data_from=addresses, parallelized=setting.parallel, name="complaints")
    def complaints(address: str) -> Iterator[list[dict[str, Any]]]:
        yield from _pages(address)

    return addresses | complaints


def _credentials(database: str) -> str:
    """The address as dlt takes it: the socket's folder in the host's place, and a password, which nobody checks."""
    parts = urlsplit(database)
    query = dict(parse_qsl(parts.query))
    return f"postgresql://{parts.username}:none@{quote(query['host'], safe='')}:{query['port']}{parts.path}"


def _pages(address: str) -> Iterator[list[dict[str, Any]]]:
    number, page_count, code = 1, 1, address.rpartition("/")[2]
    while number <= page_count:
        content = requests.get(address, params={"halaman": number, "per_halaman": 200}, timeout=20).json()
        page_count, number = content["meta"]["jumlah_halaman"], number + 1
        yield [{"agency_code": code, **record} for record in content["data"]]


def _tables(records: list[dict[str, Any]]) -> Iterator[Any]:
    events = []
    for record in records:
        for event in record.pop("riwayat"):
            event |= {"agency_code": record["agency_code"], "nomor_laporan": record["nomor_laporan"]}
            events.append(_flat(event, ("unit",)))
    complaints = [_flat(record, ("unit", "pelapor")) for record in records]
    yield dlt.mark.with_table_name(pa.Table.from_pylist(complaints, _schema(COMPLAINT)), "complaints")
    yield dlt.mark.with_table_name(pa.Table.from_pylist(events, _schema(EVENT)), "complaints__riwayat")


COMPLAINT = (
    "agency_code nomor_laporan judul isi klasifikasi kategori kanal cara_input anonim:bool rahasia:bool wilayah "
    "unit_kode unit_nama kadar_pengawasan status tanggal_masuk tanggal_ubah pelapor_nama pelapor_nik pelapor_telepon "
    "pelapor_email pelapor_alamat"
)
EVENT = "agency_code nomor_laporan urutan:int64 jenis waktu unit_kode unit_nama aktor"


def _schema(columns: str) -> Any:
    parts = [column.partition(":") for column in columns.split()]
    return pa.schema([(name, kind or "string") for name, _, kind in parts])


def _flat(record: dict[str, Any], nested: tuple[str, ...]) -> dict[str, Any]:
    for name in nested:
        for key, value in (record.pop(name) or {}).items():
            record[f"{name}_{key}"] = value
    return record


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], SETTINGS[sys.argv[3]])
