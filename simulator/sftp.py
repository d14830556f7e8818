"""The SFTP server where agencies put their nightly files: read only, its key made once and kept."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any

import asyncssh

from simulator.connections import HOST, SECRETS, SFTP_USER
from simulator.faults import SLOW_SECONDS, FaultPlan

HOST_KEY = "sftp_host_key"
CLIENT_KEY = "sftp_client_key"


def host_key(folder: Path) -> str:
    """The server's public key, as a reader pins it: "ssh-ed25519 AAAA…"; made on first use."""
    _key(folder / HOST_KEY)
    return (folder / f"{HOST_KEY}.pub").read_text(encoding="utf-8").strip()


@asynccontextmanager
async def serve_sftp(root: Path, keys: Path, port: int, faults: FaultPlan) -> AsyncIterator[int]:
    """Serve the files below `root` and yield the port; `keys` is where the keys of server and client are kept.

    Whoever has the password of `SECRETS` or the private key `sftp_client_key` comes in as user `lapor`.
    """
    root.mkdir(parents=True, exist_ok=True)
    client = _key(keys / CLIENT_KEY).convert_to_public()
    server = await asyncssh.listen(
        HOST,
        port,
        server_factory=lambda: _Door(client),
        server_host_keys=[_key(keys / HOST_KEY)],
        sftp_factory=lambda channel: _Files(channel, root, faults),
        allow_scp=False,
    )
    try:
        yield server.get_port()
    finally:
        server.close()
        await server.wait_closed()


class _Door(asyncssh.SSHServer):
    """One user, by password or key."""

    def __init__(self, client: asyncssh.SSHKey) -> None:
        self._client = client

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return username == SFTP_USER and password == SECRETS["simulator_sftp"]

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return username == SFTP_USER and key == self._client


class _Files(asyncssh.SFTPServer):
    """The folder, except that whatever belongs to a broken agency and night breaks."""

    def __init__(self, channel: "asyncssh.SSHServerChannel[bytes]", root: Path, faults: FaultPlan) -> None:
        super().__init__(channel, chroot=str(root).encode())
        self._faults = faults
        self._opened: dict[int, str | None] = {}

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        await self._suffer(path)
        async for entry in super().scandir(path):
            yield entry

    async def stat(self, path: bytes) -> Any:
        await self._suffer(path)
        return super().stat(path)

    async def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> Any:
        if pflags != asyncssh.FXF_READ:
            return self._read_only()
        await self._suffer(path)
        opened: Any = super().open(path, pflags, attrs)
        self._opened[id(opened)] = self._fault(path)
        return opened

    async def read(self, file_obj: Any, offset: int, size: int) -> bytes:
        if self._opened.get(id(file_obj)) == "drip":
            await asyncio.sleep(1)
            size = 1
        content = super().read(file_obj, offset, size)
        assert isinstance(content, bytes)
        return content

    def close(self, file_obj: Any) -> None:
        self._opened.pop(id(file_obj), None)
        super().close(file_obj)

    def _read_only(self, *_: object) -> Any:
        raise asyncssh.SFTPPermissionDenied("this server is for reading")

    # One refusal for all of them, whatever they take and give.
    setstat = lsetstat = fsetstat = remove = mkdir = rmdir = _read_only  # type: ignore[assignment]
    rename = posix_rename = symlink = link = _read_only  # type: ignore[assignment]

    def _fault(self, path: bytes) -> str | None:
        """The fault of the night and agency that a path /2021-06-30/KAB-11.02/… belongs to."""
        night, _, rest = path.decode("utf-8", "replace").strip("/").partition("/")
        try:
            return self._faults.on(rest.partition("/")[0], date.fromisoformat(night))
        except ValueError:
            return None

    async def _suffer(self, path: bytes) -> None:
        match self._fault(path):
            case "sftp_refuses":
                raise asyncssh.SFTPPermissionDenied("permission denied")
            case "hang":
                # Until the caller gives up and the connection ends.
                await asyncio.Event().wait()
            case "slow":
                await asyncio.sleep(SLOW_SECONDS)


def _key(path: Path) -> asyncssh.SSHKey:
    """The key pair kept there (public half in `.pub`), made on first use; only its owner may read the private half."""
    if path.exists():
        return asyncssh.read_private_key(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    key = asyncssh.generate_private_key("ssh-ed25519")
    part = path.with_suffix(".part")
    part.touch(mode=0o600)
    part.write_bytes(key.export_private_key())
    path.with_suffix(".pub").write_bytes(key.export_public_key())
    part.replace(path)
    return key
