"""Backups: what was stored comes back, what was erased does not, and nothing is replaced by what will not do."""

import os
import pty
import re
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import Result
from sqlalchemy import delete, inspect, select, text

from feedback import articles, doctor, erasures, readers, schema, triage, worker
from feedback.backup import archive, ledger, postgresql, sqlite
from feedback.db import db, dispose, run, scrub
from feedback.models import Ban, Banned, Comment, Decision, Erasure, NetworkKey, State, TriageModel, User, Vote
from feedback.triage import memory, training
from feedback.triage.learned import Example, Sample
from tests.conftest import SECRET
from tests.recount import assert_counted
from tests.test_cli import runs, said

WORDS = "my brother Jonathan takes forty milligrams"
NAME = "Raelene"


@pytest.fixture(autouse=True)
def programs(engine: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put PostgreSQL's programs on the PATH, of the very version of the server."""
    if engine == "postgresql":
        binaries = request.getfixturevalue("postgres").binaries
        monkeypatch.setenv("PATH", f"{binaries}:{os.environ['PATH']}")


@pytest.fixture
def environ(database_url: str, tmp_path: Path) -> dict[str, str]:
    return {"FEEDBACK_HOME": str(tmp_path), "FEEDBACK_DATABASE_URL": database_url, "FEEDBACK_SECRET_KEY": SECRET}


@pytest.fixture
def feedback(environ: dict[str, str]) -> Callable[..., Result]:
    """Run a command on this test's database: `feedback("backup")`."""
    return runs(environ)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "backups"


@pytest.fixture
def backup(feedback, folder, clock) -> Callable[[], Path]:
    """Make a backup, a second after the last one, and return its file."""

    def make() -> Path:
        before = set(folder.glob("*.zip"))
        clock.forward(seconds=1)
        done = feedback("backup")
        assert done.exit_code == 0, done.output
        (path,) = set(folder.glob("*.zip")) - before
        return path

    return make


@pytest.fixture
def restore(app, feedback, clock) -> Callable[..., Result]:
    """Restore a backup with the service stopped."""

    def go_back(path: Path, *options: str) -> Result:
        dispose(app)
        clock.forward(seconds=1)
        return feedback("restore", str(path), *options)

    return go_back


@pytest.fixture
def restored(restore) -> Callable[..., str]:
    """Restore a backup over whatever is there, and return what was said."""

    def go_back(path: Path, *options: str) -> str:
        done = restore(path, "--replace", *options)
        assert done.exit_code == 0, done.output
        return done.stdout

    return go_back


@pytest.fixture
def written(rae, article):
    """A comment of Rae's with her name, waiting."""
    return rae.comments(article, WORDS, name=NAME, submission="first").json["comment"]


@pytest.fixture
def published(written, mo):
    mo.posts("/decisions", comment=written["id"], version=1, action="approve")
    return written


# What was stored comes back


def test_what_was_stored_comes_back(app, rae, stan, article, published, backup, restored, rows):
    rae.votes(article, "no", reason="unclear")
    path = backup()
    stan.votes(article, "yes")
    said = restored(path)
    assert re.search(r"^Restored \d+ rows as of 2026-05-04T09:00:01Z", said)
    assert rows(select(Vote.value)) == ["no"]
    assert rows(select(Comment.source)) == [WORDS]
    assert rae.reads(article).json["votes"] == {"yes": 0, "no": 1, "total": 1}
    assert rae.reads(article).json["comments"]["items"][0]["name"] == NAME
    assert_counted(app)


def test_a_restored_service_takes_votes_and_comments(app, rae, stan, mo, article, published, backup, restored):
    restored(backup())
    assert stan.votes(article, "yes").status_code == 200
    reply = stan.comments(article, "Thank you", parent=published["id"]).json["comment"]
    assert mo.posts("/decisions", comment=reply["id"], version=1, action="approve").status_code == 200
    assert_counted(app)


def test_what_a_site_has_learned_works_after_a_restore(
    app, site, rae, stan, article, do, ask, clock, backup, restored, rows, monkeypatch
):
    monkeypatch.setattr(memory, "LOOK", 0.0)
    kind, spam = "The warm bath helped my neck for {} weeks.", "Order {} cheap pills today, no prescription!"
    examples = [Example(Sample(words.format(n)), words is spam) for n in range(60) for words in (kind, spam)]
    learned = training.Lesson(site.id, tuple(examples), (), (clock(), site.id), None)
    do(training.keep, learned, learned.model().pack(), [[0.98, 1]], now=clock())
    do(articles.change_site, site.slug, moderation="post")
    scores = [ask(triage.score, site.id, Sample(words.format(99))) for words in (kind, spam)]
    path = backup()
    do(lambda: db.session.execute(delete(TriageModel)))
    assert ask(triage.score, site.id, Sample(spam)) is None
    restored(path)
    assert [ask(triage.score, site.id, Sample(words.format(99))) for words in (kind, spam)] == scores
    assert rows(select(TriageModel.record)) == [[[0.98, 1]]]
    sent = [one.comments(article, words.format(99)).json["comment"] for one, words in ((rae, kind), (stan, spam))]
    assert [each["state"] for each in sent] == ["approved", "pending"]
    assert rows(select(Comment.held_for).where(Comment.state == State.PENDING)) == [["score"]]


def test_a_lost_database_comes_back(engine, app, rae, article, backup, restore, database_url, postgres, rows):
    rae.votes(article, "no")
    path = backup()
    lose(app, engine, database_url, postgres)
    done = restore(path)
    assert done.exit_code == 0, done.output
    assert "set aside" not in done.stdout
    assert rows(select(Vote.value)) == ["no"]


def lose(app, engine, database_url, postgres):
    """Leave nothing but an empty place for a database."""
    dispose(app)
    if engine == "sqlite":
        for file in Path(database_url.removeprefix("sqlite:///")).parent.glob("feedback.sqlite3*"):
            file.unlink()
    else:
        name = re.search(r"/(\w+)\?", database_url)[1]
        postgres.sql(f"DROP DATABASE {name}")
        postgres.sql(f"CREATE DATABASE {name}")


def test_an_older_database_is_brought_to_this_version(app, engine, rae, article, folder, restored, rows, database_url):
    rae.votes(article, "no")
    dispose(app)  # so that nobody is still writing down where the vote came from
    folder.mkdir()
    with app.app_context():
        schema.downgrade("0003")
    dispose(app)
    path = folder / "older.zip"
    with app.app_context(), archive.writer(path, lambda *_: None) as into:
        tables = set(inspect(db.engine).get_table_names()) - {"alembic_version"}
        into.finish((older_file if engine == "sqlite" else older_dump)(database_url, folder, tables, into))
        list(schema.upgrade())
        ledger.bring_up_to_date(folder)
    restored(path)
    assert rows(select(Vote.value)) == ["no"]
    with app.app_context():
        assert schema.missing() == []


def older_file(url, folder, tables, into) -> archive.Manifest:
    """Write what a version that knew only these tables would have written."""
    copy = folder / "older.sqlite3"
    sqlite.snapshot(Path(url.removeprefix("sqlite:///")), copy, into.progress)
    sqlite.forget_networks(copy, ["vote", "comment"])
    with into.part("feedback.sqlite3", "") as write:
        write(copy.read_bytes())
    return archive.Manifest("sqlite", "0003", "2026-05-04T09:00:00Z", sqlite.counts(copy, tables))


def older_dump(url, folder, tables, into) -> archive.Manifest:
    with postgresql.connected(url) as connection, postgresql.snapshot(connection) as shared:
        rows = postgresql.counts(connection, "public", tables) | {"network_key": 0}
        postgresql.dump(connection, "public", shared, ["vote", "comment"], into)
    return archive.Manifest("postgresql", "0003", "2026-05-04T09:00:00Z", rows, "public")


# What was erased does not


def test_what_a_reader_erased_since_is_erased_in_the_backup(app, rae, stan, article, published, backup, restored, rows):
    rae.votes(article, "no", reason="unclear", note="I take it for my hip")
    stan.votes(article, "yes")
    path = backup()
    rae.posts("/erase")
    list_erasures(app)
    assert "Erased again: 1" in restored(path)
    assert rae.posts("/export").json == {"votes": [], "comments": [], "flags": [], "likes": []}
    assert rows(select(Vote.value)) == ["yes"]
    [comment] = rows(select(Comment))
    gone = ("source", "html", "name", "reader", "network", "sealed_email", "text_hash", "submission")
    assert [getattr(comment, each) for each in gone] == [None] * len(gone)
    assert comment.state is State.ERASED
    assert rows(select(Decision.action).order_by(Decision.at)) == ["approve", "erase"]
    assert rae.reads(article).json["comments"]["items"] == []
    assert_counted(app)


def list_erasures(app) -> None:
    """Do what the worker does."""
    worker.list_erasures(app, None)


def test_it_stays_erased_where_the_database_is_lost(
    app, engine, rae, article, published, backup, restore, database_url, postgres, rows
):
    path = backup()
    rae.posts("/erase")
    list_erasures(app)
    lose(app, engine, database_url, postgres)
    assert "Erased again: 1" in restore(path).stdout
    assert rows(select(Comment.source)) == [None]


def test_it_stays_erased_in_the_bytes_of_the_restored_file(app, engine, rae, article, published, backup, restored):
    path = backup()
    rae.posts("/erase")
    restored(path)
    with app.app_context():
        scrub()
        if engine == "postgresql":
            # PostgreSQL keeps old bytes until it vacuums, as the README says; no query finds them.
            assert db.session.execute(select(Comment.source)).scalars().all() == [None]
            return
        live = Path(db.engine.url.database)
    for file in (live, Path(f"{live}-wal")):
        for mark in (WORDS, NAME):
            assert mark.encode() not in file.read_bytes()


def test_what_an_administrator_purged_since_is_erased_in_the_backup(
    app, ada, stan, article, published, backup, restored, rows
):
    stan.comments(article, "I read this too")
    path = backup()
    ada.posts(f"/comments/{published['id']}/purge", version=2, reason="health data of somebody else")
    assert "Erased again: 1" in restored(path)
    assert sorted(rows(select(Comment.source)), key=str) == ["I read this too", None]
    assert rows(select(Decision.who).where(Decision.action == "erase")) == ["rules"]
    assert_counted(app)


def test_a_vote_taken_back_before_the_erase_stays_away(app, rae, article, backup, restored, rows):
    rae.votes(article, "no", note="I take it for my hip")
    path = backup()
    rae.votes(article, "none")
    rae.posts("/erase")
    restored(path)
    assert rows(select(Vote)) == []
    assert_counted(app)


def test_who_comes_back_after_an_erase_keeps_what_is_new(app, rae, article, published, backup, restored, rows):
    rae.posts("/erase")
    rae.votes(article, "yes")
    path = backup()
    rae.votes(article, "no")
    assert "Erased again" not in restored(path)
    assert rows(select(Vote.value)) == ["yes"]


def test_an_erasure_is_carried_out_again_in_one_older_backup_after_another(
    app, rae, article, published, backup, restored, rows
):
    path = backup()
    rae.posts("/erase")
    restored(path)
    before = rows(select(Erasure.id))
    restored(path)
    assert rows(select(Comment.source)) == [None]
    assert rows(select(Erasure.id)) == before and len(before) == 1


def test_a_backup_without_its_list_of_erasures_is_refused(app, rae, article, published, backup, restore, folder, rows):
    path = backup()
    rae.posts("/erase")
    (folder / ledger.NAME).unlink()
    line = said(restore(path, "--replace"))
    assert str(folder / ledger.NAME) in line and "--without-erasures" in line
    assert rows(select(Comment.source)) == [None]


def test_without_the_list_what_the_database_knows_is_still_erased(
    rae, article, published, backup, restored, folder, rows
):
    path = backup()
    rae.posts("/erase")
    (folder / ledger.NAME).unlink()
    restored(path, "--without-erasures")
    assert rows(select(Comment.source)) == [None]


def test_the_list_tells_nothing_about_readers(app, rae, article, published, site, folder):
    with app.app_context():
        reader = db.session.execute(select(Comment.reader)).scalar_one()
    assert reader == readers.digest(site.id, rae.token)
    rae.posts("/erase")
    list_erasures(app)
    listed = (folder / ledger.NAME).read_text()
    for told in (rae.token, reader.hex(), WORDS, NAME):
        assert told not in listed
    assert ledger.read(folder) is not None
    assert list(ledger.read(folder).values()) == [erasures.of_reader(reader)]


def test_the_worker_lists_an_erasure_once(app, rae, article, written, folder):
    rae.posts("/erase")
    assert worker.list_erasures(app, None) == 1
    worker.list_erasures(app, None)
    assert len((folder / ledger.NAME).read_text().splitlines()) == 2  # with the line that says what it is
    assert (folder / ledger.NAME).stat().st_mode & 0o777 == 0o600


def test_the_worker_lists_what_is_erased_after_the_clock_was_put_back(app, rae, stan, article, folder, monkeypatch):
    for reader in (rae, stan):
        reader.votes(article, "yes")
    rae.posts("/erase")
    listed = worker.list_erasures(app, None)
    nanoseconds = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: nanoseconds() - 3_600 * 10**9)
    stan.posts("/erase")
    worker.list_erasures(app, listed)
    assert len(ledger.read(folder)) == 2


def test_a_line_cut_off_is_listed_again(app, rae, article, written, folder):
    rae.posts("/erase")
    list_erasures(app)
    before, path = ledger.read(folder), folder / ledger.NAME
    path.write_text(path.read_text()[:-20])
    assert ledger.read(folder) == {}
    list_erasures(app)
    assert ledger.read(folder) == before


def test_the_list_keeps_what_the_database_has_lost(app, do, rae, article, written, folder, feedback):
    rae.posts("/erase")
    list_erasures(app)
    do(lambda: run(delete(Erasure)))
    assert feedback("backup", "--erasures-only").stdout == f"Added 0 erasures to the list in {folder}.\n"
    assert len(ledger.read(folder)) == 1


def test_erasures_of_nothing_do_not_fill_the_disk(app, stan, rae, article, written, rows, monkeypatch):
    monkeypatch.setattr(erasures, "MOST_OF_NOTHING", 3)
    for _ in range(5):
        stan.posts("/erase")
    assert len(rows(select(Erasure))) == 3
    rae.posts("/erase")
    assert len(rows(select(Erasure))) == 4


def test_every_table_with_readers_is_looked_through(app):
    """A table that comes later needs an article, by which its reader's site is known."""
    tables = [table for table in db.metadata.sorted_tables if "reader" in table.c]
    assert {"vote", "comment"} <= {table.name for table in tables}
    assert all("article_id" in table.c for table in tables)
    with app.app_context():
        assert erasures.readers_among({bytes(32)}) == set()


# What stays out of a backup


def test_networks_stay_out_of_a_backup(
    app, limited_app, engine, rae, mo, article, published, backup, restored, rows, tmp_path
):
    for kind, more in (("network", {}), ("reader", {"days": 7})):
        ban = mo.posts(f"/comments/{published['id']}/ban", kind=kind, why="Sells pills", **more)
        assert ban.status_code == 201, ban.text
    [subject] = rows(select(Ban.subject).where(Ban.kind == Banned.NETWORK))
    rae.at(limited_app).votes(article, "no")
    dispose(limited_app)
    [key] = rows(select(NetworkKey.key))
    hashes = [*rows(select(Vote.network)), *rows(select(Comment.network))]
    assert len(hashes) == 2 and None not in hashes
    path = backup()
    held = contents(path)
    assert subject in hashes
    for secret in (key, *hashes):
        assert secret not in held and secret.hex().encode() not in held
    if engine == "sqlite":
        # The database itself has them: looked for like this, they would be found.
        with app.app_context():
            scrub()
        assert key in (tmp_path / "feedback.sqlite3").read_bytes()
    restored(path)
    assert rows(select(NetworkKey)) == []
    assert [*rows(select(Vote.network)), *rows(select(Comment.network))] == [None, None]
    assert rows(select(Ban.kind)) == [Banned.READER]


def contents(path: Path) -> bytes:
    with zipfile.ZipFile(path) as zip:
        return b"".join(zip.read(name) for name in zip.namelist())


def test_settings_stay_out_of_a_backup(rae, article, written, backup):
    assert SECRET.encode() not in contents(backup())


def test_only_its_owner_reads_a_backup(rae, article, written, backup, folder):
    path = backup()
    assert path.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert sorted(each.name for each in folder.iterdir()) == [ledger.NAME, path.name]


def test_sessions_of_then_are_over(ada, article, backup, restored, rows):
    ada.signs_in()
    before = rows(select(User.fs_uniquifier))
    restored(backup())
    assert set(rows(select(User.fs_uniquifier))).isdisjoint(before)


# What is refused, and changes nothing


@pytest.fixture
def untouched(rows, rae, article, tmp_path):
    """Return a check that the database and its folder are as they were."""
    rae.votes(article, "yes")

    def check() -> None:
        assert rows(select(Vote.value)) == ["yes"]
        assert not [each.name for each in tmp_path.iterdir() if "before" in each.name or "unfinished" in each.name]

    return check


def flip(path: Path) -> None:
    held = bytearray(path.read_bytes())
    held[len(held) // 2] ^= 0xFF
    path.write_bytes(held)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1_000])


def swap(path: Path) -> None:
    """Put other rows in, and have a ZIP that is sound in itself."""
    rewrite(path, lambda name, held: held.replace(b"Baclofen", b"Codeines") if name != archive.MANIFEST else held)


def miscount(path: Path) -> None:
    rewrite(path, lambda name, held: held.replace(b'"site": 1', b'"site": 2') if name == archive.MANIFEST else held)


def lead_out(path: Path) -> None:
    """Name a part so that it would be written beside the folder it is unpacked into."""
    name = next(iter(archive.manifest(path).parts))
    with zipfile.ZipFile(path) as zip:
        parts = {each: zip.read(each) for each in zip.namelist()}
    with zipfile.ZipFile(path, "w") as zip:
        for each, held in parts.items():
            out = held.replace(f'"{name}"'.encode(), f'"../{name}"'.encode()) if each == archive.MANIFEST else held
            zip.writestr(f"../{name}" if each == name else each, out)


def no_zip(path: Path) -> None:
    path.write_bytes(b"no ZIP")


def no_manifest(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as zip:
        zip.writestr("readme.txt", "something else")


def rewrite(path: Path, change: Callable[[str, bytes], bytes]) -> None:
    with zipfile.ZipFile(path) as zip:
        parts = {name: zip.read(name) for name in zip.namelist()}
    with zipfile.ZipFile(path, "w") as zip:
        for name, held in parts.items():
            assert name != archive.MANIFEST or held
            zip.writestr(name, change(name, held))


@pytest.mark.parametrize("spoil", [flip, cut, swap, miscount, lead_out, no_zip, no_manifest])
def test_a_damaged_backup_is_refused(backup, restore, untouched, spoil):
    path = backup()
    before = contents(path)
    spoil(path)
    assert spoil in (flip, cut, no_zip) or contents(path) != before
    assert "nothing was changed" in said_last(restore(path, "--replace"))
    untouched()


def test_a_part_unpacks_to_no_more_than_its_manifest_says(backup, article, folder):
    path, done, room = backup(), [], folder / "room"
    room.mkdir()
    expected = archive.manifest(path)
    rewrite(path, lambda name, held: held if name == archive.MANIFEST else held + bytes(8 * archive.CHUNK))
    with pytest.raises(archive.Damaged):
        archive.unpack(path, expected, room, lambda doing, bytes, total: done.append(bytes))
    assert done[-1] <= next(iter(expected.parts.values())).bytes + archive.CHUNK


def said_last(result: Result) -> str:
    """Return the line of a refusal that comes after the progress."""
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    return result.stderr.splitlines()[-1]


def test_a_backup_of_a_newer_version_is_refused(backup, restore, untouched):
    path = backup()
    rewrite(path, lambda name, held: re.sub(rb'"schema": "\d+"', b'"schema": "9999"', held))
    assert "newer version" in said_last(restore(path, "--replace"))
    untouched()


def test_a_backup_of_the_other_engine_is_refused(engine, backup, restore, untouched):
    path = backup()
    other = b"sqlite" if engine == "postgresql" else b"postgresql"
    rewrite(path, lambda name, held: held.replace(f'"engine": "{engine}"'.encode(), b'"engine": "%s"' % other))
    assert engine in said_last(restore(path, "--replace"))
    untouched()


def test_a_database_with_something_newer_is_not_replaced_unasked(clock, backup, restore, stan, article, rows):
    path = backup()
    clock.forward(minutes=1)
    stan.votes(article, "yes")
    line = said(restore(path))
    assert "1 votes, comments, decisions or changes newer" in line and "--replace" in line
    assert rows(select(Vote.value)) == ["yes"]


def test_what_is_in_use_is_not_replaced(start, backup, restore, rae, article, rows):
    path = backup()
    server = start("--no-worker", FEEDBACK_LIMITS="off")
    assert server.votes() == 200
    assert "Stop" in said(restore(path, "--replace"))
    assert server.votes("stan-stan-stan-stan-st") == 200
    assert len(rows(select(Vote))) == 2


def test_a_second_backup_at_once_is_refused(feedback, backup, article, folder):
    import fcntl

    backup()
    descriptor = os.open(folder, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        assert "Another backup" in said(feedback("backup"))
    finally:
        os.close(descriptor)


def test_what_a_killed_backup_left_is_cleared_away(backup, article, folder):
    left = folder / ".unfinished-left"
    left.mkdir(parents=True)
    (left / "feedback.sqlite3").write_text("all that is stored")
    backup()
    assert not left.exists()


def test_a_folder_that_is_not_there_is_named(feedback, article, tmp_path):
    assert str(tmp_path / "no" / "disk") in said(feedback("backup", str(tmp_path / "no" / "disk")))


@pytest.mark.parametrize("engine", ["postgresql"])
def test_programs_that_are_missing_are_named(feedback, article, monkeypatch, tmp_path):
    from feedback.backup import programs

    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(programs, "FOLDERS", ())
    assert "apt install postgresql-client-" in said_last(feedback("backup"))


# Going back


def test_what_was_set_aside_comes_back(app, engine, rae, stan, article, backup, restored, database_url, rows):
    rae.votes(article, "no")
    path = backup()
    stan.votes(article, "yes")
    (undo,) = re.findall(r"^  (.+)$", restored(path), re.MULTILINE)
    assert rows(select(Vote.value)) == ["no"]
    dispose(app)
    if engine == "sqlite":
        subprocess.run(undo, shell=True, check=True)
    else:
        with app.app_context(), db.engine.begin() as connection:
            connection.execute(text(undo))
    assert sorted(rows(select(Vote.value))) == ["no", "yes"]
    assert_counted(app)


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_damaged_database_is_set_aside_when_asked(app, rae, article, backup, restore, restored, tmp_path, rows):
    rae.votes(article, "no")
    path = backup()
    dispose(app)
    live = tmp_path / "feedback.sqlite3"
    live.write_bytes(b"not a database" * 1_000)
    assert "cannot be read" in said(restore(path))
    restored(path)
    assert rows(select(Vote.value)) == ["no"]
    (aside,) = tmp_path.glob("feedback.sqlite3.before-*")
    assert aside.read_bytes().startswith(b"not a database")


@pytest.mark.parametrize("engine", ["postgresql"])
def test_a_role_that_owns_its_database_and_nothing_else_is_enough(postgres, environ, tmp_path, folder):
    postgres.sql("CREATE ROLE keeper LOGIN")
    postgres.sql("CREATE DATABASE kept OWNER keeper")
    try:
        url = postgres.url("kept").replace("postgres@", "keeper@")
        feedback = runs({**environ, "FEEDBACK_DATABASE_URL": url})
        for command in (("db", "upgrade"), ("site", "add", "health", "--origin", "http://a.test"), ("backup",)):
            assert feedback(*command).exit_code == 0
        (path,) = folder.glob("*.zip")
        feedback("site", "add", "cooking", "--origin", "http://b.test")
        done = feedback("restore", str(path))
        assert done.exit_code == 0, done.output
        assert "cooking" not in feedback("site", "list").stdout
        assert "health" in feedback("site", "list").stdout
    finally:
        postgres.sql("DROP DATABASE IF EXISTS kept WITH (FORCE)")
        postgres.sql("DROP ROLE keeper")


# What the doctor says of it


@pytest.fixture
def doctors(app):
    """Return what the doctor says of backups, by the time by which keys and files are stamped."""

    def look(**later: float) -> tuple[bool | None, str]:
        with app.app_context():
            found = doctor.findings(app, now=datetime.now(UTC) + timedelta(**later))
            [finding] = [each for each in found if each.about == "backups"]
        return finding.good, finding.sentence

    return look


def test_the_doctor_misses_backups_and_sees_old_ones(backup, article, doctors):
    assert doctors()[0] is None
    backup()
    assert doctors()[0] is True
    assert doctors(days=7)[0] is True
    good, sentence = doctors(days=9)
    assert good is False and "9 days old" in sentence


def test_the_doctor_sees_erasures_that_nobody_lists(app, rae, written, backup, doctors):
    backup()
    rae.posts("/erase")
    assert doctors()[0] is True
    assert doctors(minutes=11)[0] is False
    list_erasures(app)
    assert doctors(minutes=11)[0] is True


# What is shown


def test_progress_is_shown_on_a_terminal(rae, article, written, environ, folder):
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "feedback.cli", "backup"]
    with subprocess.Popen(command, env={**os.environ, **environ}, stdout=subprocess.PIPE, stderr=slave) as process:
        os.close(slave)
        shown = b""
        while chunk := read(master):
            shown += chunk
        said = process.stdout.read().decode()
    os.close(master)
    assert process.returncode == 0
    assert re.search(rb"\rCopying the database: (100 %|[\d.]+ MB|\d+ bytes)", shown)
    assert re.fullmatch(rf"{folder}/feedback-\d{{8}}T\d{{6}}Z\.zip: \d+ rows, \S+ \w+, in [\d.]+ s\.\n", said)


def read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 4_096)
    except OSError:  # the other end was closed
        return b""


def test_elsewhere_a_line_says_what_is_begun(feedback, article):
    lines = feedback("backup").stderr.splitlines()
    assert lines[0] == "Copying the database …"
    assert len(lines) == len(set(lines)) < 8
