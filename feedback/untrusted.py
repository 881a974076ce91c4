"""That a proxy in front was not made known: noted by whoever meets it, for `feedback doctor` to tell."""

from datetime import UTC, datetime
from pathlib import Path

NAME = "untrusted-proxy"  # a file without content in FEEDBACK_HOME; its time says when it was last seen


def note(home: Path) -> None:
    """Remember that a private peer sent a forwarded-for header while no proxy is trusted."""
    (home / NAME).touch()


def seen(home: Path) -> datetime | None:
    """Return when that was last so, or None."""
    try:
        return datetime.fromtimestamp((home / NAME).stat().st_mtime, UTC)
    except FileNotFoundError:
        return None
