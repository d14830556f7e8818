"""The original bytes of every delivery, compressed and sealed, so that a night can be read again.

They hold personal data: each page is encrypted with AES-256-GCM under a key from the environment whose id stands in
the header. A file is complete or absent: it is written as `.part`, flushed to disk and renamed.

Format: `LAPORSEAL1\\n`, one JSON line (the header, also the authenticated data of every frame), then frames of
4-byte length + 12-byte nonce + ciphertext of a zstd frame; the last frame says how many pages there were.
"""

import base64
import json
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from extract.connectors import Page
from extract.errors import DeliveryFailed

_MAGIC = b"LAPORSEAL1\n"
_NONCE_BYTES = 12
_COMPRESSION_LEVEL = 3


class SealBroken(RuntimeError):
    """A landing file cannot be opened: wrong key, cut off or altered. The message says which file."""


def decode_key(encoded: str, name: str) -> bytes:
    """The 32 bytes of a key given as base64. Raises ValueError naming the variable."""
    key = base64.b64decode(encoded)
    if len(key) != 32:
        raise ValueError(f"{name} must be the base64 of 32 bytes; make one with: python -m extract new-keys")
    return key


class LandingFile:
    """One delivery being landed; use as a context manager. `commit` makes it stand; otherwise nothing remains."""

    def __init__(self, path: Path, key: bytes, key_id: str, facts: dict[str, Any]) -> None:
        self.path = path
        self._part = path.with_suffix(".part")
        self._header = json.dumps({**facts, "key_id": key_id}, sort_keys=True).encode()
        self._cipher = AESGCM(key)
        self._compressor = zstandard.ZstdCompressor(level=_COMPRESSION_LEVEL)
        self._pages = 0
        self._file: BinaryIO | None = None

    def __enter__(self) -> Self:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._part.open("wb")
        self._file.write(_MAGIC + self._header + b"\n")
        return self

    def write(self, page: Page) -> None:
        """Seal one page."""
        name = page.name.encode()
        self._write_frame(len(name).to_bytes(2, "big") + name + page.content)
        self._pages += 1

    def commit(self) -> None:
        """Finish the file: after this it survives a crash under its final name."""
        assert self._file is not None
        self._write_frame(b"\xff\xff" + self._pages.to_bytes(4, "big"))
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._part.replace(self.path)
        self._file = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
            self._part.unlink(missing_ok=True)

    def _write_frame(self, content: bytes) -> None:
        assert self._file is not None
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, self._compressor.compress(content), self._header)
        self._file.write((len(nonce) + len(sealed)).to_bytes(4, "big") + nonce + sealed)


def read_landing(path: Path, key: bytes) -> Iterator[Page]:
    """The pages of a landed delivery, in order. Raises SealBroken, and DeliveryFailed if the file is gone."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise DeliveryFailed(
            f"landing file {path.name} is gone: retention may have removed it; extract the night again"
        ) from None
    with file:
        if file.readline() != _MAGIC:
            raise SealBroken(f"{path} is not a landing file")
        header = file.readline().rstrip(b"\n")
        cipher, decompressor, count = AESGCM(key), zstandard.ZstdDecompressor(), 0
        while length := file.read(4):
            frame = file.read(int.from_bytes(length, "big"))
            try:
                content = decompressor.decompress(cipher.decrypt(frame[:_NONCE_BYTES], frame[_NONCE_BYTES:], header))
            except (InvalidTag, ValueError):
                raise SealBroken(f"{path} cannot be opened: wrong key for {header.decode()!r}, or altered") from None
            if content[:2] == b"\xff\xff":
                if int.from_bytes(content[2:6], "big") != count:
                    break
                return
            name_end = 2 + int.from_bytes(content[:2], "big")
            yield Page(name=content[2:name_end].decode(), content=content[name_end:])
            count += 1
    raise SealBroken(f"{path} is cut off after {count} pages")
