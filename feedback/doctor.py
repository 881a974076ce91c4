"""What is wrong with this installation, and what to do about it. Every check is one finding; nothing is changed."""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from tempfile import TemporaryFile
from urllib.parse import urlsplit

from flask import Flask
from sqlalchemy import false, func, select, update
from sqlalchemy.exc import SQLAlchemyError

from feedback import delivery, erasures, mail, notices, recount, schema, stats, untrusted
from feedback.backup import ledger
from feedback.config import SETTINGS, Settings
from feedback.db import db, transact
from feedback.errors import Refused
from feedback.models import Comment, NetworkKey, Site, Vote
from feedback.readers import KEY_DAYS

SECRET = {"FEEDBACK_SECRET_KEY", "FEEDBACK_MAIL_KEYS"}
WITH_PASSWORD = {"FEEDBACK_DATABASE_URL", "FEEDBACK_LIMITS_URL", "FEEDBACK_MAIL_URL"}
LEAST_FREE = 200 * 2**20  # bytes; below it a busy day may fill the disk
CLOCK_SLACK = timedelta(minutes=2)
PROXY_MEMORY = timedelta(days=7)  # that a header seen from an untrusted proxy is held against the settings
OLD_BACKUP = timedelta(days=8)  # a weekly one may be a day late
FIT_SLACK = timedelta(hours=2)  # what is due hourly may fail once
WORKER_SLACK = timedelta(minutes=10)  # that the worker has to try again after a failure
NO_WORKER = "Let `feedback worker` run, or `feedback serve` without --no-worker."


@dataclass(frozen=True)
class Finding:
    """One thing looked at. `good` is None where it is neither well nor ill but worth knowing."""

    about: str
    good: bool | None
    sentence: str


def listing(settings: Settings, environ: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield name, value and meaning of every setting; secrets are counted, not shown."""
    for setting in SETTINGS:
        value = getattr(settings, setting.attribute)
        origin = "environment" if setting.name in environ else "file or default"
        yield setting.name, f"{_shown(setting.name, value)} ({origin})", setting.meaning


def _shown(name: str, value: object) -> str:
    if name in SECRET:
        count = len(value) if isinstance(value, tuple) else 0
        return "none" if not count else f"{count} {'key' if count == 1 else 'keys'}"
    if isinstance(value, bool):
        return "on" if value else "off"
    if value is None or value == ():
        return "none"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return _without_password(str(value)) if name in WITH_PASSWORD else str(value)


def _without_password(url: str) -> str:
    password = urlsplit(url).password
    return url.replace(f":{password}@", ":…@") if password else url


def findings(app: Flask, *, now: datetime) -> Iterator[Finding]:
    """Look at everything, in the app's context; a check that cannot be made is a finding too."""
    settings: Settings = app.config["SETTINGS"]
    yield from _of_settings(settings)
    checks: tuple[tuple[str, Callable[[], Finding]], ...] = (
        ("schema", _of_schema),
        ("database", _of_writing),
        ("disk", lambda: _of_disk(settings)),
        ("clock", lambda: _of_clock(now)),
        ("figures", _of_figures),
        ("worker", lambda: _of_worker(settings, now)),
        ("mail", lambda: _of_mail(settings)),
        ("backups", lambda: _of_backups(settings, now)),
        ("proxy", lambda: _of_proxy(settings, now)),
        ("limits store", lambda: _of_limits(app)),
    )
    for about, check in checks:
        try:
            yield check()
        except SQLAlchemyError as error:
            said = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
            yield Finding(about, False, f"The database says: {said}. See that it runs at FEEDBACK_DATABASE_URL.")
        except Refused as refusal:
            yield Finding(about, False, refusal.detail)


def _of_settings(settings: Settings) -> Iterator[Finding]:
    yield Finding("settings", True, "All are well formed.")
    path = settings.home / "settings.toml"
    if path.exists() and path.stat().st_mode & 0o077:
        yield Finding("settings", False, f"{path} holds secrets that others may read. Run `chmod 600 {path}`.")
    if not settings.limits:
        yield Finding(
            "settings", False, "FEEDBACK_LIMITS is off: anybody may send as often as they like. Set it to on."
        )
    if settings.public_url is None:
        yield Finding(
            "settings", None, "FEEDBACK_PUBLIC_URL is not set: only browsers on this machine are answered. Set it."
        )
    elif not settings.https:
        yield Finding(
            "settings", None, "FEEDBACK_PUBLIC_URL is not https: sessions can be read on the way. Get a certificate."
        )


def _of_schema() -> Finding:
    missing = schema.missing()
    if missing:
        return Finding("schema", False, f"{len(missing)} missing migrations. Run `feedback db upgrade`.")
    return Finding("schema", True, f"The tables are those of this version ({schema.current()}).")


def _of_writing() -> Finding:
    # Takes the writer's place and a write lock, and changes no row.
    transact(lambda: db.session.execute(update(Site).where(false()).values(stamp=0)))
    return Finding("database", True, f"{db.engine.dialect.name} takes writes.")


def _of_disk(settings: Settings) -> Finding:
    if not settings.home.is_dir():
        return Finding("disk", None, f"{settings.home} is not there. Make it: there servers note what you should know.")
    try:
        with TemporaryFile(dir=settings.home) as file:
            file.write(b"feedback")
            file.flush()
            os.fsync(file.fileno())
        free = shutil.disk_usage(settings.home).free
    except OSError as error:
        said = os.strerror(error.errno or 0)
        return Finding(
            "disk", False, f"{settings.home} cannot be written ({said}). Let the service's user write there."
        )
    if free < LEAST_FREE:
        return Finding("disk", False, f"Only {free // 2**20} MiB are free where {settings.home} lies. Make room.")
    return Finding("disk", True, f"{settings.home} can be written, {free // 2**30} GiB are free.")


def _of_clock(now: datetime) -> Finding:
    newest = [db.session.execute(select(func.max(column))).scalar_one() for column in (Vote.updated, Comment.created)]
    ahead = max((time - now for time in newest if time), default=timedelta(0))
    if ahead > CLOCK_SLACK:
        return Finding("clock", False, f"Something was stored {ahead} in the future. Set all machines' clocks by NTP.")
    if db.engine.dialect.name == "postgresql":
        # The two machines' own clocks, whatever time this operation was given.
        apart = abs(db.session.execute(select(func.clock_timestamp())).scalar_one() - datetime.now(UTC))
        if apart > CLOCK_SLACK:
            return Finding("clock", False, f"This clock and the database's are {apart} apart. Set both by NTP.")
    return Finding("clock", True, "It agrees with what is stored.")


def _of_figures() -> Finding:
    off = recount.differences()
    if off.any:
        said = f"{off.tallies} tallies, {off.reasons} reasons, {off.standings} standings and {off.likes} likes"
        said = f"{said} do not equal their rows."
        return Finding("figures", False, f"{said} Do not act on authors' figures, and report this as a fault.")
    return Finding("figures", True, "Tallies, reasons, standings and likes equal the rows they add up.")


def _of_mail(settings: Settings) -> Finding:
    waiting, lost = notices.waiting(), notices.lost()
    if not delivery.can_send(settings):
        names = "FEEDBACK_MAIL_URL, FEEDBACK_MAIL_FROM and FEEDBACK_PUBLIC_URL"
        return Finding("mail", None, f"Mail stays in the outbox ({waiting} waiting) until {names} are set.")
    try:
        with mail.server(str(settings.mail_url)):
            pass
    except mail.Unreachable as error:
        return Finding(
            "mail", False, f"The mail server cannot be used ({error}); {waiting} wait. See FEEDBACK_MAIL_URL."
        )
    if lost:
        return Finding("mail", False, f"{lost} notices could not be delivered. Administrators can send them again.")
    if not settings.mail_keys:
        told = "Readers are not offered mail about replies until FEEDBACK_MAIL_KEYS is set."
        return Finding("mail", None, f"The mail server answers; {waiting} notices wait. {told}")
    return Finding("mail", True, f"The mail server answers; {waiting} notices wait.")


def _of_proxy(settings: Settings, now: datetime) -> Finding:
    seen = untrusted.seen(settings.home)
    if settings.trusted_proxies:
        return Finding("proxy", True, f"{settings.trusted_proxies} trusted.")
    if seen and now - seen < PROXY_MEMORY:
        return Finding(
            "proxy",
            False,
            "A proxy in front sends X-Forwarded-For but none is trusted: every reader looks like one network, so that "
            "limits hit all at once and quarantine is off. Set FEEDBACK_TRUSTED_PROXIES to how many there are.",
        )
    return Finding("proxy", True, "No untrusted proxy was seen.")


def _of_worker(settings: Settings, now: datetime) -> Finding:
    due = (now - WORKER_SLACK).date() - timedelta(days=KEY_DAYS)
    late = db.session.execute(select(func.count()).select_from(NetworkKey).where(NetworkKey.day <= due)).scalar_one()
    if late:
        return Finding("worker", False, f"Networks are remembered longer than 48 hours. {NO_WORKER}")
    if delivery.can_send(settings) and notices.waiting(due_before=now - WORKER_SLACK):
        return Finding("worker", False, f"Mail that was due ten minutes ago still waits. {NO_WORKER}")
    if stats.unfitted(now - FIT_SLACK):
        return Finding("worker", False, f"Authors' lists are in an order that is older than two hours. {NO_WORKER}")
    return Finding("worker", True, "Nothing is overdue.")


def _of_backups(settings: Settings, now: datetime) -> Finding:
    folder = settings.backup_folder
    listed = ledger.read(folder) or {}
    if any(row_id not in listed for row_id in erasures.recorded(before=now - WORKER_SLACK)):
        return Finding("backups", False, f"{folder} does not list every erasure: a restore undoes some. {NO_WORKER}")
    newest = max((path.stat().st_mtime for path in folder.glob("feedback-*.zip")), default=None)
    if newest is None:
        return Finding("backups", None, f"There are none in {folder}. Let `feedback backup` run every day.")
    age = now - datetime.fromtimestamp(newest, UTC)
    if age > OLD_BACKUP:
        return Finding("backups", False, f"The newest in {folder} is {age.days} days old. See that its timer runs.")
    return Finding("backups", True, "There is a fresh one, and every erasure is listed beside it.")


def _of_limits(app: Flask) -> Finding:
    reachable = app.extensions["limiter"].reachable()
    if reachable is None:
        return Finding("limits store", None, "None: each server process counts for itself (FEEDBACK_LIMITS_URL).")
    if not reachable:
        return Finding(
            "limits store", False, "It does not answer; each process counts for itself. See FEEDBACK_LIMITS_URL."
        )
    return Finding("limits store", True, "It answers.")
