"""The connections that sources.csv names: where the simulator serves each, and the secret it asks for.

The secrets stand here in the open: they guard a pretended world, and readers must send some secret to be tested at it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HOST = "127.0.0.1"
DEFAULT_PORT = 8711
SECRETS = {
    "simulator_offset": "kunci-pura-pura-provinsi",
    "simulator_link": "token-pura-pura-kota",
    "simulator_oauth": "lapor-pura-pura:rahasia-pura-pura",
    "simulator_graph": "pembaca:sandi-pura-pura",
    "simulator_sftp": "sandi-pura-pura-sftp",
    "simulator_s3": "KUNCIPURAPURA:rahasia-pura-pura-s3",
}
SFTP_USER = "lapor"
BUCKET = "lapor-drops"
DATABASE_FILE = "sumber.sqlite"


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the servers listen on 127.0.0.1; 0 is any free port."""

    http: int = 0
    sftp: int = 0
    s3: int = 0

    @classmethod
    def next_to(cls, http: int) -> "Ports":
        """SFTP and S3 on the two ports after HTTP's."""
        return cls(http, http + 1, http + 2)


def environment(folder: Path, ports: Ports, host_key: str, postgres: str | None = None) -> dict[str, str]:
    """The variables a reader needs for every connection: base URLs, secrets, and the SFTP server's public key.

    `folder` is where the simulator keeps its files; `postgres` the URL of the database it filled, if it filled one.
    """
    http = f"http://{HOST}:{ports.http}"
    bases = {
        "simulator_http": http,
        "simulator_offset": http,
        "simulator_link": http,
        "simulator_oauth": http,
        "simulator_graph": http,
        "simulator_drops": f"file://{folder / 'drops'}",
        "simulator_sftp": f"sftp://{SFTP_USER}@{HOST}:{ports.sftp}/",
        "simulator_s3": f"s3://{BUCKET}?endpoint=http://{HOST}:{ports.s3}",
        "simulator_sqlite": f"sqlite:///{folder / DATABASE_FILE}",
        **({"simulator_postgres": postgres} if postgres else {}),
    }
    return {
        **_named("CONNECTION", bases),
        **_named("CREDENTIAL", SECRETS),
        **_named("HOST_KEY", {"simulator_sftp": host_key}),
    }


def _named(kind: str, values: Mapping[str, str]) -> dict[str, str]:
    return {f"LAPOR_{kind}_{connection.upper()}": value for connection, value in values.items()}
