"""Small real disks: memory that is full after a few megabytes, and a file system that a fault turns read-only."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.server import PATIENCE

MEGABYTE = 1024 * 1024
AS_ROOT = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]


class Disk:
    """A mounted file system of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.filler = folder / "filler"

    def fill(self) -> None:
        """Leave no free byte."""
        with self.filler.open("wb", buffering=0) as file:
            for size in (MEGABYTE, 4096, 1):
                try:
                    while True:
                        file.write(b"x" * size)
                except OSError:
                    continue

    def drain(self) -> None:
        self.filler.unlink()

    def remount(self, mode: str) -> None:
        """Make the whole disk `ro` or `rw`; nobody may be writing to it."""
        patiently("mount", "-o", f"remount,{mode}", str(self.folder))

    def fault(self) -> None:
        """Let the kernel find a fault of an ext4 disk, upon which it takes no more writes, as from a broken one."""
        device = Path(as_root("findmnt", "-no", "SOURCE", str(self.folder)).strip()).name
        as_root("sh", "-c", f"echo 1 > /sys/fs/ext4/{device}/trigger_fs_error")

    def repair(self, image: Path) -> None:
        """Mount an ext4 disk anew, after which it takes writes again."""
        patiently("umount", str(self.folder))
        subprocess.run(["e2fsck", "-fy", str(image)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        as_root("mount", "-o", "loop", str(image), str(self.folder))


@contextmanager
def memory_disk(folder: Path, megabytes: int) -> Iterator[Disk]:
    """Mount a disk that is full after so many megabytes."""
    with _mounted(folder, "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0777", "tmpfs") as disk:
        yield disk


@contextmanager
def ext4_disk(folder: Path, image: Path) -> Iterator[Disk]:
    """Mount an ext4 disk that is kept in a file, and turns read-only at its first fault."""
    with image.open("wb") as file:
        file.truncate(32 * MEGABYTE)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-e", "remount-ro", str(image)], check=True, stdout=subprocess.DEVNULL)
    with _mounted(folder, "-o", "loop", str(image)) as disk:
        yield disk


@contextmanager
def _mounted(folder: Path, *arguments: str) -> Iterator[Disk]:
    folder.mkdir()
    as_root("mount", *arguments, str(folder))
    try:
        yield Disk(folder)
    finally:
        as_root("umount", "--lazy", str(folder))


def as_root(*command: str) -> str:
    done = subprocess.run([*AS_ROOT, *command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"This drill needs a disk of its own: {' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


def patiently(*command: str) -> None:
    """Run a command until it succeeds: the threads of a process that was killed keep files open a moment longer."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            as_root(*command)
            return
        except RuntimeError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
