"""The file of a backup: parts written as they come, and a manifest that holds each one's length and checksum."""

import hashlib
import json
import os
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile, ZipInfo

from feedback.errors import Refused

FORMAT = 1
MANIFEST = "manifest.json"
PART = re.compile(r"[a-z_]+\.[a-z0-9]+")  # names of parts: nothing that would lead out of the folder
CHUNK = 2**20  # bytes that are held at once
FASTEST = 1  # of zlib's levels; a machine that backs up also serves, and text becomes small at any level

# Told what is being done, how many bytes of it are, and how many there will be where that is known.
Progress = Callable[[str, int, int | None], None]
Write = Callable[[bytes], None]


class Damaged(Refused):
    """The file is no backup, or not what it was when it was made."""


@dataclass(frozen=True)
class Part:
    """One file within a backup."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a backup holds. `taken` is when it was begun, `namespace` the schema that PostgreSQL's tables lay in."""

    engine: str
    schema: str
    taken: str
    rows: Mapping[str, int]
    namespace: str | None = None
    parts: dict[str, Part] = field(default_factory=dict)
    version: str = field(default_factory=lambda: version("reader-feedback"))
    format: int = FORMAT

    @classmethod
    def parse(cls, text: bytes) -> "Manifest":
        """Read a manifest. Raises ValueError, KeyError or TypeError where it is none."""
        values: dict[str, Any] = json.loads(text)
        if values["format"] != FORMAT:
            raise ValueError("another format")
        parts = {name: Part(**part) for name, part in values.pop("parts").items()}
        if not all(PART.fullmatch(name) for name in parts):
            raise ValueError("a part that is none of ours")
        return cls(**values, parts=parts)


class Writer:
    """Writes a backup part by part. Only its owner may read the file."""

    def __init__(self, path: Path, progress: Progress) -> None:
        self.file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        self.zip = ZipFile(self.file, "w", ZIP_DEFLATED, compresslevel=FASTEST)
        self.progress = progress
        self.parts: dict[str, Part] = {}

    @contextmanager
    def part(self, name: str, doing: str, total: int | None = None) -> Iterator[Write]:
        """Give a function that adds bytes to a part of this name."""
        digest, length = hashlib.sha256(), 0
        with self.zip.open(name, "w", force_zip64=True) as stream:

            def write(chunk: bytes) -> None:
                nonlocal length
                stream.write(chunk)
                digest.update(chunk)
                length += len(chunk)
                self.progress(doing, length, total)

            yield write
        self.parts[name] = Part(length, digest.hexdigest())

    def finish(self, manifest: Manifest) -> None:
        """Write the manifest, and let the disk have everything."""
        self.zip.writestr(ZipInfo(MANIFEST), json.dumps(asdict(replace(manifest, parts=self.parts)), indent=1))
        self.zip.close()
        self.file.flush()
        os.fsync(self.file.fileno())

    def close(self) -> None:
        # Where something failed, this may fail again, and what counts is being reported already.
        with suppress(OSError):
            self.zip.close()
        with suppress(OSError):
            self.file.close()


@contextmanager
def writer(path: Path, progress: Progress) -> Iterator[Writer]:
    """Open a new backup for writing; it is one only after `finish`."""
    opened = Writer(path, progress)
    try:
        yield opened
    finally:
        opened.close()


@contextmanager
def _opened(path: Path) -> Iterator[ZipFile]:
    try:
        with ZipFile(path) as zip:
            yield zip
    except (BadZipFile, zlib.error, EOFError, KeyError, TypeError, ValueError, NotImplementedError) as error:
        raise Damaged(f"{path} is no backup of this service, or is damaged: nothing was changed.") from error


def manifest(path: Path) -> Manifest:
    """Return what a backup says it holds. Raises Damaged."""
    with _opened(path) as zip:
        return Manifest.parse(zip.read(MANIFEST))


def unpack(path: Path, expected: Manifest, folder: Path, progress: Progress) -> None:
    """Write every part into a folder. Raises Damaged where one is not what it was when the backup was made."""
    total = sum(part.bytes for part in expected.parts.values())
    done = 0
    with _opened(path) as zip:
        for name, part in expected.parts.items():
            for length in _unpack_one(zip, name, part, folder / name):
                done += length
                progress("Unpacking and checking", done, total)


def _unpack_one(zip: ZipFile, name: str, part: Part, target: Path) -> Iterator[int]:
    digest, length = hashlib.sha256(), 0
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with zip.open(name) as stream, os.fdopen(descriptor, "wb") as file:
        while chunk := stream.read(CHUNK):
            file.write(chunk)
            digest.update(chunk)
            length += len(chunk)
            yield len(chunk)
            # Whatever a file claims, it fills the disk with no more than its manifest says.
            if length > part.bytes:
                break
    if (length, digest.hexdigest()) != (part.bytes, part.sha256):
        raise BadZipFile(name)
