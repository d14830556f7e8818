"""Where files lie: a local folder, SFTP, S3-compatible storage, an HTTP server. Listing and reading, nothing else.

Addresses: `file:///folder`, `sftp://user@host:port/folder` (credential: password or private key; the server's key is
pinned by LAPOR_HOST_KEY_<connection>), `s3://bucket/prefix?endpoint=https://host` (credential: `key:secret`),
`https://host/…`.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Protocol
from urllib.parse import quote, unquote, urlsplit

from extract.connectors import Address
from extract.connectors.http import AgencyHttp
from extract.errors import DeliveryFailed, DeliveryLate
from extract.profile import AuthSpec
from extract.storage import s3_filesystem


@dataclass(frozen=True, slots=True)
class Found:
    """A file that is there: its path below the connection, and what tells its states apart."""

    path: str
    fingerprint: str
    size: int


class Files(Protocol):
    """A place of files. Errors are DeliveryFailed, an absent file is DeliveryLate."""

    async def find(self, location: str) -> list[Found]:
        """The files of a location, which may hold * and ? in its last part;

        sorted by path. Empty when there is none.
        """
        ...

    async def read(self, found: Found) -> bytes:
        """The bytes of a file."""
        ...


@asynccontextmanager
async def files_at(address: Address, auth: AuthSpec, http: AgencyHttp | None) -> AsyncIterator[Files]:
    """Open the place that the address names; closes what it opened."""
    if ".." in PurePosixPath(unquote(address.location)).parts:
        raise DeliveryFailed("the location climbs out of its connection's folder", "Correct it in sources.csv.")
    match urlsplit(address.base).scheme:
        case "file":
            yield _Local(Path(unquote(urlsplit(address.base).path)))
        case "http" | "https":
            assert http is not None, "fetching needs the shard's HTTP client"
            yield _Http(address, auth, http)
        case "s3":
            yield await asyncio.to_thread(_S3.open, address)
        case "sftp":
            from extract.connectors.sftp import sftp_files  # a heavy library, for the few who need it

            async with sftp_files(address) as files:
                yield files
        case scheme:
            raise DeliveryFailed(
                f"connection {address.connection} is {scheme}://, which holds no files",
                "Use file://, sftp://, s3:// or https://.",
            )


class _Local:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def find(self, location: str) -> list[Found]:
        return await asyncio.to_thread(self._find, location)

    def _find(self, location: str) -> list[Found]:
        paths = sorted(self._folder.glob(location)) if is_pattern(location) else [self._folder / location]
        found = []
        for path in paths:
            try:
                if not path.resolve().is_relative_to(self._folder.resolve()):
                    raise DeliveryFailed(f"{path.name} is a link out of its folder", "Put the file itself there.")
                if path.is_file():
                    state = path.stat()
                    name = path.relative_to(self._folder).as_posix()
                    found.append(Found(name, f"{state.st_size} {state.st_mtime_ns}", state.st_size))
            except OSError as error:
                raise _unreadable(path.name, error) from None
            except RuntimeError:  # so resolve() says that a link leads back to itself
                raise DeliveryFailed(f"{path.name} is a link out of its folder", "Put the file itself there.") from None
        return found

    async def read(self, found: Found) -> bytes:
        try:
            return await asyncio.to_thread((self._folder / found.path).read_bytes)
        except FileNotFoundError:
            raise DeliveryLate(f"{found.path} went away while it was read") from None
        except OSError as error:
            raise _unreadable(found.path, error) from None


class _Http:
    def __init__(self, address: Address, auth: AuthSpec, http: AgencyHttp) -> None:
        self._address, self._auth, self._http = address, auth, http
        self._bodies: dict[str, bytes] = {}

    async def find(self, location: str) -> list[Found]:
        if is_pattern(location):
            raise DeliveryFailed(
                "HTTP servers list no folders", "Name the file in sources.csv, with {night} for the date."
            )
        url = f"{self._address.base.rstrip('/')}/{quote(location)}"
        try:
            answer, _ = await self._http.ask(self._address, self._auth, url)
        except DeliveryFailed as failure:
            if getattr(failure, "status", 0) == 404:
                return []
            raise
        self._bodies[location] = answer.body
        stated = answer.headers.get("ETag") or answer.headers.get("Last-Modified") or ""
        return [Found(location, f"{len(answer.body)} {stated}", len(answer.body))]

    async def read(self, found: Found) -> bytes:
        return self._bodies.pop(found.path)


class _S3:
    def __init__(self, filesystem: Any, root: str) -> None:
        self._filesystem, self._root = filesystem, root

    @classmethod
    def open(cls, address: Address) -> "_S3":
        return cls(*s3_filesystem(address.base, address.credential))

    async def find(self, location: str) -> list[Found]:
        return await asyncio.to_thread(self._find, location)

    def _find(self, location: str) -> list[Found]:
        with _s3_errors(location):
            path = f"{self._root}/{location}"
            try:
                entries = (
                    list(self._filesystem.glob(path, detail=True).values())
                    if is_pattern(location)
                    else [self._filesystem.info(path)]
                )
            except FileNotFoundError:
                bucket = self._root.partition("/")[0]
                if not self._filesystem.exists(bucket):
                    raise DeliveryFailed(
                        f"there is no bucket {bucket} that we may see", "Correct the connection, or ask for the right."
                    ) from None
                return []
        return sorted(
            (
                Found(entry["name"][len(self._root) + 1 :], f"{entry['size']} {entry.get('ETag', '')}", entry["size"])
                for entry in entries
                if entry["type"] == "file"
            ),
            key=lambda found: found.path,
        )

    async def read(self, found: Found) -> bytes:
        def fetch() -> bytes:
            with _s3_errors(found.path):
                return bytes(self._filesystem.cat_file(f"{self._root}/{found.path}"))

        return await asyncio.to_thread(fetch)


@contextmanager
def _s3_errors(name: str) -> Iterator[None]:
    """S3 libraries raise everything there is: any of it is this delivery's trouble, said by its kind alone."""
    try:
        yield
    except (FileNotFoundError, DeliveryFailed):
        raise
    except PermissionError:
        raise DeliveryFailed(
            f"{name}: the storage refuses access", "Check the credential of its connection and the bucket's policy."
        ) from None
    except Exception as error:
        raise DeliveryFailed(
            f"{name}: the storage does not answer ({type(error).__name__})",
            "See whether its endpoint is up.",
            retryable=True,
        ) from None


def _unreadable(name: str, error: OSError) -> DeliveryFailed:
    return DeliveryFailed(f"{name} cannot be read: {error.strerror}", "Check the rights of the folder.")


def is_pattern(location: str) -> bool:
    """Whether a location names many files."""
    return any(sign in location for sign in "*?[")
