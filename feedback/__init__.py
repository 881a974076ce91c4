"""The reader feedback service: `create_app()` wires settings, extensions, doors and commands together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from feedback.config import Settings, load

if TYPE_CHECKING:
    from flask import Flask


def folder(name: str) -> Path:
    """Return `templates` or `migrations`: beside the package in a checkout, inside it once installed."""
    package = Path(__file__).parent
    beside = package.parent / name
    return beside if (package.parent / "pyproject.toml").exists() and beside.is_dir() else package / name


LOOPBACK_HOSTS = ("127.0.0.1", "localhost")  # werkzeug knows no host that has colons in it, as [::1] has


def create_app(settings: Settings | None = None) -> Flask:
    """Build the service. Raises BadSetting where a setting is missing or wrong."""
    settings = settings or load()
    # Imported here, so that the settings are checked before the heavy parts load, and `feedback --help` needs none.
    from flask import Flask

    app = Flask(__name__, template_folder=str(folder("templates")))
    app.config.from_mapping(
        SETTINGS=settings,
        SECRET_KEY=settings.secret_keys[0],
        SECRET_KEY_FALLBACKS=list(settings.secret_keys[1:]),
        # What readers wrote would else stand in the message of a database error, and so in a log.
        SQLALCHEMY_ENGINE_OPTIONS={"hide_parameters": True},
        TRUSTED_HOSTS=[*LOOPBACK_HOSTS, *filter(None, [urlsplit(settings.public_url or "").hostname])],
    )
    from feedback import db, views

    db.init_app(app)
    views.init_app(app)
    return app
