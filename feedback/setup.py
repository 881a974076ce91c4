"""The first set-up: settings with fresh secrets, the first site and its administrator.

The settings take their place last, so that a set-up that failed half-way can simply be run again.
"""

import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.fernet import Fernet

from feedback import articles, staff
from feedback.config import DEFAULT_HOME, SETTINGS, Settings, load
from feedback.errors import Conflict
from feedback.models import Role

HEADER = "# Settings of the reader feedback service. What the environment says wins over this file."


@dataclass(frozen=True)
class First:
    """The first site and the first person, who administers it."""

    slug: str
    origins: tuple[str, ...]
    email: str
    password_hash: str


def home(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("FEEDBACK_HOME") or DEFAULT_HOME)


def fresh(environ: Mapping[str, str], url: str | None) -> dict[str, str]:
    """Return what `settings.toml` shall hold: fresh secrets, the service's own address, what the environment says."""
    made = {
        "FEEDBACK_SECRET_KEY": secrets.token_urlsafe(32),
        "FEEDBACK_MAIL_KEYS": Fernet.generate_key().decode(),
    }
    named = {setting.name for setting in SETTINGS[1:]}
    given = {name: value for name, value in environ.items() if name in named and value}
    return made | given | ({"FEEDBACK_PUBLIC_URL": url} if url else {})


def check(values: Mapping[str, str], environ: Mapping[str, str]) -> Settings:
    """Return the settings these values make. Raises BadSetting."""
    return load({**environ, **values})


@contextmanager
def written(values: Mapping[str, str], folder: Path) -> Iterator[Path]:
    """Write the settings, readable for their owner alone; they take their place when the block ends well.

    Raises Conflict where there are settings already.
    """
    path, draft = folder / "settings.toml", folder / f"settings.toml.{os.getpid()}"
    if path.exists():
        raise Conflict(
            f"{path} is there already, and was left as it is. Set up elsewhere with FEEDBACK_HOME, or add to this "
            "service with `feedback site add` and `feedback user add`."
        )
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        # A JSON string is a TOML string too.
        lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in sorted(values.items())]
        file.write("\n".join([HEADER, *lines, ""]))
    try:
        yield path
        draft.rename(path)
    finally:
        draft.unlink(missing_ok=True)


def begin(first: First, *, now: datetime) -> None:
    """Make the first site and its administrator. Raises Conflict for a database that has a site already."""
    if articles.sites():
        raise Conflict(
            "This database holds a site already, so that nothing was changed. Bring back its settings.toml, or give "
            "its secrets in the environment."
        )
    site = articles.add_site(first.slug, origins=first.origins, now=now)
    user = staff.add_user(first.email, password_hash=first.password_hash, now=now)
    staff.join(user, site, Role.ADMINISTRATOR)
