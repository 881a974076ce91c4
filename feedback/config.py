"""Every setting: its name, default, meaning and check. A bad one stops the start with its name and what would be right.

Settings come from the environment or, where the environment is silent, from `settings.toml` in `FEEDBACK_HOME`.
No secret has a default.
"""

import ipaddress
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email import policy
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

DEFAULT_HOME = "./instance"
MIN_SECRET_CHARS = 32  # 128 bits even when written in hexadecimal


class BadSetting(ValueError):
    """A setting is missing or wrong; the message names it and says what would be right."""


@dataclass(frozen=True)
class Settings:
    """The settings of one process, checked."""

    home: Path
    secret_keys: tuple[str, ...]
    mail_keys: tuple[str, ...] = ()
    mail_from: str | None = None
    allow_networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()
    database_url: str = ""
    public_url: str | None = None
    limits: bool = True
    limits_url: str | None = None
    trusted_proxies: int = 0
    mail_url: str | None = None
    require_second_factor: bool = False
    workers: int = 2
    backups: Path | None = None

    @property
    def backup_folder(self) -> Path:
        return self.backups or self.home / "backups"

    @property
    def https(self) -> bool:
        return (self.public_url or "").startswith("https://")


@dataclass(frozen=True)
class Setting:
    """One setting as the README and `feedback doctor` list it."""

    name: str
    default: str
    meaning: str
    read: Callable[[Any], Any] = field(repr=False)
    attribute: str


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("a non-empty text")
    return value.strip()


def _folder(value: Any) -> Path:
    return Path(_text(value))


def _list(value: Any) -> tuple[str, ...]:
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        raise ValueError("a list of texts (in the environment: separated by commas)")
    return tuple(part.strip() for part in parts if part.strip())


def _secrets(value: Any) -> tuple[str, ...]:
    keys = _list(value)
    if not keys or any(len(key) < MIN_SECRET_CHARS for key in keys):
        raise ValueError(f"random keys of at least {MIN_SECRET_CHARS} characters each, the first of which signs")
    return keys


def _mail_keys(value: Any) -> tuple[str, ...]:
    from cryptography.fernet import Fernet

    keys = _list(value)
    try:
        for key in keys:
            Fernet(key)
    except ValueError as error:
        raise ValueError("Fernet keys (32 bytes, URL-safe base64), the first of which encrypts") from error
    return keys


def _networks(value: Any) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    try:
        return tuple(ipaddress.ip_network(part) for part in _list(value))
    except ValueError as error:
        raise ValueError("networks such as 10.0.0.0/8, separated by commas") from error


def _database(value: Any) -> str:
    url = _text(value)
    if not url.startswith(("sqlite:///", "postgresql+psycopg://")):
        raise ValueError("an address that begins with sqlite:/// or postgresql+psycopg://")
    return url


def _origin_url(value: Any) -> str:
    url = _text(value).rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query or parts.fragment:
        raise ValueError("an address without a path, such as https://feedback.example.org")
    if ":" in parts.hostname:
        raise ValueError("an address with a name, or an IPv4 address: requests for an IPv6 address are not served")
    return url


def _switch(value: Any) -> bool:
    if value in (True, False):
        return bool(value)
    if value not in ("on", "off"):
        raise ValueError("on or off")
    return bool(value == "on")


def _limits_url(value: Any) -> str:
    url = _text(value)
    if not url.startswith(("redis://", "rediss://", "unix://")):
        raise ValueError("an address that begins with redis:// (Redis or Valkey)")
    return url


def _sender(value: Any) -> str:
    sender = _text(value)
    try:
        _, header = policy.default.header_store_parse("From", sender)
        [address] = header.addresses
    except (IndexError, ValueError):
        address = None
    if address is None or header.defects or not address.domain or not address.addr_spec.isascii():
        raise ValueError("one address, such as Reader feedback <feedback@example.org>")
    return sender


def _mail_url(value: Any) -> str:
    url = _text(value)
    try:
        parts, port = urlsplit(url), urlsplit(url).port
    except ValueError:
        parts, port = urlsplit(""), None
    # Whoever misspells how TLS begins must not have passwords sent in the clear.
    ways = {"smtp": ("", "tls=start"), "smtps": ("",)}.get(parts.scheme, ())
    if parts.query not in ways or not parts.hostname or port == 0 or parts.path not in ("", "/") or parts.fragment:
        raise ValueError("an address such as smtp://user:password@host:587?tls=start or smtps://user:password@host")
    return url


def _whole(least: int, most: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        try:
            number = int(value)
        except (TypeError, ValueError):
            number = least - 1
        if not least <= number <= most:
            raise ValueError(f"a whole number from {least} to {most}")
        return number

    return read


SETTINGS = (
    Setting("FEEDBACK_HOME", DEFAULT_HOME, "folder of settings, SQLite file, logs", Path, "home"),
    Setting(
        "FEEDBACK_SECRET_KEY",
        "none: `init` makes one",
        "signs sessions and forms, encrypts second factors; a list: the first signs, all verify",
        _secrets,
        "secret_keys",
    ),
    Setting(
        "FEEDBACK_MAIL_KEYS",
        "none: `init` makes one",
        "encrypts readers' addresses; a list: the first encrypts, all decrypt",
        _mail_keys,
        "mail_keys",
    ),
    Setting("FEEDBACK_MAIL_FROM", "none", "sender of all mail", _sender, "mail_from"),
    Setting(
        "FEEDBACK_ALLOW_NETWORKS",
        "none",
        "private networks that webhooks and sync may reach (intranets, tests)",
        _networks,
        "allow_networks",
    ),
    Setting(
        "FEEDBACK_DATABASE_URL",
        "SQLite in `FEEDBACK_HOME`",
        "or `postgresql+psycopg://…`",
        _database,
        "database_url",
    ),
    Setting(
        "FEEDBACK_PUBLIC_URL",
        "none",
        "own address, for links in mail and the Host check; unset: only loopback Hosts are served",
        _origin_url,
        "public_url",
    ),
    Setting(
        "FEEDBACK_LIMITS",
        "on",
        "`off` lifts rate limits, article-creation limits, the quarantine threshold and the rule that one network "
        "flags a comment once, for tests and imports",
        _switch,
        "limits",
    ),
    Setting(
        "FEEDBACK_LIMITS_URL",
        "memory, each process its own",
        "`redis://…` shared by processes",
        _limits_url,
        "limits_url",
    ),
    Setting(
        "FEEDBACK_TRUSTED_PROXIES",
        "0",
        "how many proxies in front set `X-Forwarded-*`",
        _whole(0, 10),
        "trusted_proxies",
    ),
    Setting(
        "FEEDBACK_MAIL_URL",
        "none: mail stays in the outbox",
        "`smtp://user:password@host:port?tls=start`",
        _mail_url,
        "mail_url",
    ),
    Setting(
        "FEEDBACK_REQUIRE_SECOND_FACTOR",
        "off",
        "`on`: staff set up a second factor before they see anything",
        _switch,
        "require_second_factor",
    ),
    Setting("FEEDBACK_WORKERS", "2", "server processes (`serve --workers` wins)", _whole(1, 64), "workers"),
    Setting(
        "FEEDBACK_BACKUPS",
        "`backups` in `FEEDBACK_HOME`",
        "folder of backups, and of the list of erasures that belongs to them",
        _folder,
        "backups",
    ),
)


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Read and check every setting. Raises BadSetting, which names the setting and says what would be right."""
    environ = os.environ if environ is None else environ
    home = Path(environ.get("FEEDBACK_HOME") or DEFAULT_HOME)
    given = {
        **_file(home),
        **{name: value for name, value in environ.items() if name.startswith("FEEDBACK_")},
    }
    unknown = sorted(set(given) - {setting.name for setting in SETTINGS})
    if unknown:
        raise BadSetting(f"{unknown[0]} is no setting of this service; see the README for their names.")
    values: dict[str, Any] = {"home": home}
    for setting in SETTINGS[1:]:
        if given.get(setting.name, "") == "":
            continue
        try:
            values[setting.attribute] = setting.read(given[setting.name])
        except ValueError as error:
            raise BadSetting(f"{setting.name} should be {error}.") from error
    if "secret_keys" not in values:
        raise BadSetting("FEEDBACK_SECRET_KEY is not set. Run `feedback init` first, or set it to a random key.")
    values.setdefault("backups", home / "backups")
    values.setdefault("database_url", f"sqlite:///{(home / 'feedback.sqlite3').resolve()}")
    return Settings(**values)


def _file(home: Path) -> dict[str, Any]:
    path = home / "settings.toml"
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise BadSetting(f"{path} cannot be read: {error}") from error
