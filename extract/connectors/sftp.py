"""SFTP: files of a server whose public key is pinned, with a password or a private key."""

import fnmatch
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

import asyncssh

from extract.connectors import Address
from extract.connectors.files import Files, Found, is_pattern
from extract.errors import DeliveryFailed, DeliveryLate
from warehouse.settings import credential_variable, host_key_variable, settings


class _Sftp:
    """Files of an SFTP server; see files.Files."""

    def __init__(self, client: asyncssh.SFTPClient, folder: str) -> None:
        self._client, self._folder = client, PurePosixPath(folder)

    async def find(self, location: str) -> list[Found]:
        pattern = PurePosixPath(location)
        folder = self._folder / pattern.parent
        try:
            if not is_pattern(location):
                return [self._found(location, await self._client.stat(str(self._folder / location)))]
            return sorted(
                (
                    self._found(str(pattern.parent / str(entry.filename)), entry.attrs)
                    for entry in await self._client.readdir(str(folder))
                    if fnmatch.fnmatchcase(str(entry.filename), pattern.name)
                    and entry.attrs.type == asyncssh.FILEXFER_TYPE_REGULAR
                    and "/" not in str(entry.filename)
                ),
                key=lambda found: found.path,
            )
        except asyncssh.SFTPNoSuchFile:
            return []
        except (asyncssh.Error, OSError) as error:
            raise _sftp_trouble(location, error) from None

    @staticmethod
    def _found(path: str, attributes: asyncssh.SFTPAttrs) -> Found:
        return Found(path, f"{attributes.size} {attributes.mtime}", attributes.size or 0)

    async def read(self, found: Found) -> bytes:
        try:
            async with self._client.open(str(self._folder / found.path), "rb") as file:
                content = await file.read()
        except asyncssh.SFTPNoSuchFile:
            raise DeliveryLate(f"{found.path} went away while it was read") from None
        except (asyncssh.Error, OSError) as error:
            raise _sftp_trouble(found.path, error) from None
        return content if isinstance(content, bytes) else content.encode()


@asynccontextmanager
async def sftp_files(address: Address) -> AsyncIterator[Files]:
    """The files of an SFTP server whose key is the pinned one. Raises DeliveryFailed."""
    parts = urlsplit(address.base)
    host, port = parts.hostname or "", parts.port or 22
    if not address.host_key:
        raise DeliveryFailed(
            f"the key of {host} is not pinned",
            f"Set {host_key_variable(address.connection)} to the server's public key, as its operator states it.",
        )
    named = host if port == 22 else f"[{host}]:{port}"
    secret: dict[str, Any] = {"client_keys": None}
    if address.credential and address.credential.lstrip().startswith("-----BEGIN"):
        try:
            secret["client_keys"] = [asyncssh.import_private_key(address.credential)]
        except asyncssh.KeyImportError:
            raise DeliveryFailed(
                f"no credential for connection {address.connection}",
                f"What is set is no private key that can be read: correct {credential_variable(address.connection)}.",
            ) from None
    else:
        secret["password"] = address.credential or ""
    try:
        async with (
            asyncssh.connect(
                host,
                port,
                username=parts.username or "",
                known_hosts=asyncssh.import_known_hosts(f"{named} {address.host_key}\n"),
                login_timeout=settings().extract_request_timeout_seconds,
                connect_timeout=settings().extract_request_timeout_seconds,
                config=None,
                agent_path=None,
                **secret,
            ) as connection,
            connection.start_sftp_client() as client,
        ):
            try:
                yield _Sftp(client, unquote(parts.path) or "/")
            finally:
                # Closing politely waits for the server, and one that hangs would hold the night.
                connection.abort()
    except asyncssh.HostKeyNotVerifiable:
        raise DeliveryFailed(
            f"{host} shows another key than the pinned one",
            f"Ask its operator whether it has a new one; then change {host_key_variable(address.connection)}.",
        ) from None
    except asyncssh.PermissionDenied:
        raise DeliveryFailed(
            f"{host} refuses user and secret", f"Check {credential_variable(address.connection)} with the agency."
        ) from None
    except (asyncssh.Error, OSError, TimeoutError) as error:
        raise _sftp_trouble(host, error) from None


def _sftp_trouble(name: str, error: BaseException) -> DeliveryFailed:
    return DeliveryFailed(
        f"{name}: SFTP failed ({type(error).__name__})",
        "See whether the server is up and lets us read.",
        retryable=True,
    )
