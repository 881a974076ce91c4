"""A folder for what is not finished, on the disk where it will stay, gone at the end however that comes."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from feedback.errors import Conflict

UNFINISHED = ".unfinished-"


@contextmanager
def workshop(folder: Path) -> Iterator[Path]:
    """Give a new folder within another that only its owner may enter. Raises Conflict while somebody else has one."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Of one that was killed: it may hold all that a database holds.
        for left in folder.glob(f"{UNFINISHED}*"):
            shutil.rmtree(left)
        with TemporaryDirectory(prefix=UNFINISHED, dir=folder) as made:
            yield Path(made)
    except BlockingIOError:
        raise Conflict(f"Another backup or restore is at work in {folder} just now.") from None
    finally:
        os.close(descriptor)


def sync(folder: Path) -> None:
    """Let the disk have the names of a folder."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
