"""The list of erasures beside the backups. It outlives the database, and lines are only ever added to it.

The table `erasure` is where erasures are recorded; the worker and `feedback backup` carry them over.
"""

import fcntl
import os
import re
from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

from feedback import erasures
from feedback.db import db

NAME = "erasures.txt"
LINE = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}) ([0-9a-f]{64})")
HEAD = "# What was erased since the backups here were made; `feedback restore` erases it again. Keep it with them.\n"


def read(folder: Path) -> dict[UUID, bytes] | None:
    """Return the erasures listed in a folder; None where it has no list."""
    try:
        return _parse((folder / NAME).read_text("ascii", errors="replace"))
    except FileNotFoundError:
        return None


def _parse(text: str) -> dict[UUID, bytes]:
    # A line cut off by a power cut is none; the table still has it, and it is added again.
    found = (LINE.fullmatch(line) for line in text.splitlines())
    return {UUID(match[1]): bytes.fromhex(match[2]) for match in found if match}


def bring_up_to_date(folder: Path) -> int:
    """Add to the list in a folder the erasures that it lacks, and return how many those were."""
    found = erasures.recorded()
    db.session.close()
    return _add(folder, found)


def _add(folder: Path, known: Mapping[UUID, bytes]) -> int:
    folder.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(folder / NAME, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "r+", encoding="ascii", errors="replace") as file:
        # Two workers may have the same to add.
        fcntl.flock(file, fcntl.LOCK_EX)
        before = file.read()
        listed = _parse(before)
        lines = [f"{row_id} {mark.hex()}\n" for row_id, mark in known.items() if row_id not in listed]
        cut_off = "\n" if before and not before.endswith("\n") else ""
        if lines or not before:
            file.write(("" if before else HEAD) + cut_off + "".join(lines))
            file.flush()
            os.fsync(file.fileno())
    return len(lines)
