"""The original bytes of every delivery, compressed and sealed, so that a night can be read again.

They hold personal data: each page is encrypted with AES-256-GCM under a key from the environment whose id stands in the
header. A delivery is landed in segments, one per stored part; a segment is complete or absent. Segments lie in a
folder, or in S3-compatible storage (LAPOR_LANDING_URL).

Format: `LAPORSEAL2\\n`, one JSON line (the header, also the authenticated data of every frame), then frames of 4-byte
length + 12-byte nonce + ciphertext of a zstd frame. A page's frame begins with its 4-byte length and JSON of its name
and headers; the last frame says how many pages there were.
"""

import base64
import json
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol

import msgspec
import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from extract.connectors import Page
from extract.errors import DeliveryFailed, SealBroken
from extract.storage import s3_filesystem
from warehouse.settings import Settings

_MAGIC = b"LAPORSEAL2\n"
_NONCE_BYTES = 12
_COMPRESSION_LEVEL = 3
_END = 0xFFFFFFFF
_NIGHT = re.compile(r"^\d{4}-\d{2}-\d{2}$")


def decode_key(encoded: str, name: str) -> bytes:
    """The 32 bytes of a key given as base64. Raises ValueError naming the variable."""
    try:
        key = base64.b64decode(encoded, validate=True)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise ValueError(f"{name} must be the base64 of 32 bytes; make one with: python -m extract new-keys")
    return key


class LandingKeys:
    """The key that seals, and those that may still be needed to open."""

    def __init__(self, current_id: str, keys: Mapping[str, bytes]) -> None:
        self.current_id = current_id
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}

    @classmethod
    def from_settings(cls, settings: Settings) -> "LandingKeys":
        """The keys that the environment names. Raises ValueError naming the missing or unusable variable."""
        if settings.landing_key is None:
            raise ValueError("LAPOR_LANDING_KEY is not set; make keys with: python -m extract new-keys")
        keys = {}
        if settings.landing_old_keys is not None:
            for entry in filter(str.strip, settings.landing_old_keys.get_secret_value().split(",")):
                key_id, _, encoded = entry.strip().partition("=")
                keys[key_id] = decode_key(encoded, "LAPOR_LANDING_OLD_KEYS")
        keys[settings.landing_key_id] = decode_key(settings.landing_key.get_secret_value(), "LAPOR_LANDING_KEY")
        return cls(settings.landing_key_id, keys)

    def cipher(self, key_id: str, place: str) -> AESGCM:
        """The cipher of a key. Raises SealBroken when nobody gave that key."""
        try:
            return self._ciphers[key_id]
        except KeyError:
            raise SealBroken(
                f"{place} is sealed with key {key_id!r}, which is not here; give it in LAPOR_LANDING_OLD_KEYS"
            ) from None


class Segment:
    """One segment in the making, in memory: a part is small once it is compressed."""

    def __init__(self, keys: LandingKeys, facts: Mapping[str, Any]) -> None:
        self._header = json.dumps({**facts, "key_id": keys.current_id}, sort_keys=True).encode()
        self._cipher = keys.cipher(keys.current_id, "a new segment")
        self._compressor = zstandard.ZstdCompressor(level=_COMPRESSION_LEVEL)
        self._content = BytesIO()
        self._content.write(_MAGIC + self._header + b"\n")
        self.page_count = 0

    def write(self, page: Page) -> None:
        """Seal one page."""
        about = msgspec.json.encode({"name": page.name, **({"headers": dict(page.headers)} if page.headers else {})})
        self._write_frame(len(about).to_bytes(4, "big") + about + page.content)
        self.page_count += 1

    def sealed(self) -> bytes:
        """The finished segment."""
        self._write_frame(_END.to_bytes(4, "big") + self.page_count.to_bytes(4, "big"))
        return self._content.getvalue()

    def _write_frame(self, content: bytes) -> None:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, self._compressor.compress(content), self._header)
        self._content.write((len(nonce) + len(sealed)).to_bytes(4, "big") + nonce + sealed)


def read_segment(content: bytes, keys: LandingKeys, place: str) -> Iterator[Page]:
    """The pages of a segment, in order. Raises SealBroken."""
    file = BytesIO(content)
    if file.readline() != _MAGIC:
        raise SealBroken(f"{place} is not a landing segment")
    header = file.readline().rstrip(b"\n")
    try:
        cipher = keys.cipher(str(json.loads(header)["key_id"]), place)
    except (ValueError, KeyError, TypeError):
        raise SealBroken(f"{place} has a header that is none") from None
    decompressor, count = zstandard.ZstdDecompressor(), 0
    while length := file.read(4):
        frame = file.read(int.from_bytes(length, "big"))
        try:
            opened = decompressor.decompress(cipher.decrypt(frame[:_NONCE_BYTES], frame[_NONCE_BYTES:], header))
        except (InvalidTag, ValueError, zstandard.ZstdError):
            raise SealBroken(f"{place} cannot be opened: wrong key, cut off or altered") from None
        size = int.from_bytes(opened[:4], "big")
        if size == _END:
            if int.from_bytes(opened[4:8], "big") != count:
                break
            return
        about = json.loads(opened[4 : 4 + size])
        yield Page(about["name"], opened[4 + size :], headers=about.get("headers", {}))
        count += 1
    raise SealBroken(f"{place} is cut off after {count} pages")


class Store(Protocol):
    """Where segments lie, by a path like `2021-06-30/KOTA-21.71.complaints.1.0001.sealed`."""

    def put(self, path: str, content: bytes) -> None:
        """Write a segment: when this returns it survives a crash, and nobody ever saw half of it."""
        ...

    def get(self, path: str) -> bytes:
        """A segment. Raises DeliveryFailed if it is not there."""
        ...

    def nights(self) -> list[date]:
        """The nights that have segments, in order."""
        ...

    def segments(self, night: date) -> list[str]:
        """The paths of a night's segments, in order."""
        ...

    def remove(self, path: str) -> None:
        """Remove a segment."""
        ...


def landing_store(settings: Settings) -> Store:
    """The store that the environment names."""
    place = settings.landing
    if place.startswith("s3://"):
        secret = settings.landing_credential
        return _S3Store(place, secret.get_secret_value() if secret else None)
    return _FolderStore(Path(place.removeprefix("file://")))


def segment_paths(landing_path: str, part_count: int) -> list[str]:
    """The segments of a delivery, from what its ledger row says."""
    return [f"{landing_path}.{part:04d}.sealed" for part in range(1, part_count + 1)]


class _FolderStore:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, path: str, content: bytes) -> None:
        target = self._folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_suffix(f".{os.getpid()}.part")  # of a second extraction at once: each replaces it whole
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)

    def get(self, path: str) -> bytes:
        try:
            return (self._folder / path).read_bytes()
        except FileNotFoundError:
            raise _gone(path) from None

    def nights(self) -> list[date]:
        if not self._folder.is_dir():
            return []
        return sorted(date.fromisoformat(entry.name) for entry in self._folder.iterdir() if _NIGHT.match(entry.name))

    def segments(self, night: date) -> list[str]:
        return sorted(f"{night}/{file.name}" for file in (self._folder / str(night)).glob("*.sealed"))

    def remove(self, path: str) -> None:
        target = self._folder / path
        target.unlink(missing_ok=True)
        if not any(target.parent.iterdir()):
            target.parent.rmdir()


class _S3Store:
    def __init__(self, url: str, credential: str | None) -> None:
        self._filesystem, self._root = s3_filesystem(url, credential)

    def put(self, path: str, content: bytes) -> None:
        self._filesystem.pipe_file(f"{self._root}/{path}", content)  # one PUT: there is no half of an object

    def get(self, path: str) -> bytes:
        try:
            return bytes(self._filesystem.cat_file(f"{self._root}/{path}"))
        except FileNotFoundError:
            raise _gone(path) from None

    def nights(self) -> list[date]:
        names = (entry.rpartition("/")[2] for entry in self._list(self._root))
        return sorted(date.fromisoformat(name) for name in names if _NIGHT.match(name))

    def segments(self, night: date) -> list[str]:
        return sorted(f"{night}/{entry.rpartition('/')[2]}" for entry in self._list(f"{self._root}/{night}"))

    def remove(self, path: str) -> None:
        self._filesystem.rm_file(f"{self._root}/{path}")

    def _list(self, path: str) -> list[str]:
        try:
            return [str(entry).rstrip("/") for entry in self._filesystem.ls(path, detail=False)]
        except FileNotFoundError:
            return []


def _gone(path: str) -> DeliveryFailed:
    return DeliveryFailed(
        f"landing segment {path} is gone", "Retention may have removed it: extract the night again from its source."
    )


def prune(store: Store, before: date) -> int:
    """Remove the segments of all nights before that date; returns how many."""
    removed = 0
    for night in store.nights():
        if night < before:
            for path in store.segments(night):
                store.remove(path)
                removed += 1
    return removed


def rekey(store: Store, keys: LandingKeys) -> int:
    """Seal again, under the current key, what is sealed under another; returns how many. Safe to interrupt and repeat.

    Raises SealBroken when a segment cannot be opened with any key given; it stays as it is.
    """
    changed = 0
    for night in store.nights():
        for path in store.segments(night):
            content = store.get(path)
            header = json.loads(content[len(_MAGIC) :].split(b"\n", 1)[0])
            if header.pop("key_id") == keys.current_id:
                continue
            segment = Segment(keys, header)
            for page in read_segment(content, keys, path):
                segment.write(page)
            store.put(path, segment.sealed())
            changed += 1
    return changed
