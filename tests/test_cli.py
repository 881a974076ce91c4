"""The commands, each on both engines: what they do, and the one line they say where they cannot."""

import os
import pty
import re
import select
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import insert
from sqlalchemy import select as sql

from feedback import clock as real_clock
from feedback import create_app, staff
from feedback.cli import main
from feedback.cli.base import ROLES
from feedback.config import BadSetting, load
from feedback.db import db, dispose, transact
from feedback.models import Accepts, Article, Membership, NetworkKey, Role, Site, Token, User
from tests.cast import CSRF, KEY, ORIGIN, PASSWORD, SIGN_IN, SLUG
from tests.conftest import SECRET

Command = Callable[..., Result]

ADD_ARTICLE = ("article", "add", SLUG, "knee", "--title", "Knees", "--url", f"{ORIGIN}/knee")


def runs(environ: dict[str, str]) -> Command:
    """Return a function that runs one command with these variables and nothing else of ours."""
    ours = dict.fromkeys((name for name in os.environ if name.startswith("FEEDBACK_")), None)
    runner = CliRunner(env=ours | environ)
    return lambda *arguments, stdin=None, **env: runner.invoke(main, arguments, input=stdin, env=env)


@pytest.fixture
def feedback(database_url: str, tmp_path: Path) -> Command:
    """Run a command on this test's database: `feedback("site", "list")`."""
    return runs({"FEEDBACK_HOME": str(tmp_path), "FEEDBACK_DATABASE_URL": database_url, "FEEDBACK_SECRET_KEY": SECRET})


@pytest.fixture
def bare(empty_database_url: str, tmp_path: Path) -> Command:
    """Run a command where nothing is set up but an empty database."""
    return runs({"FEEDBACK_HOME": str(tmp_path / "home"), "FEEDBACK_DATABASE_URL": empty_database_url})


@pytest.fixture
def password_file(tmp_path: Path) -> str:
    path = tmp_path / "password"
    path.write_text(f"{PASSWORD}\n")
    return str(path)


@pytest.fixture
def init(bare: Command, password_file: str) -> Callable[..., Result]:
    def run(**env: str) -> Result:
        given = ("--site", SLUG, "--origin", ORIGIN, "--email", "Ada@Example.org", "--password-file", password_file)
        return bare("init", *given, "--url", "https://feedback.example.org", **env)

    return run


def said(result: Result) -> str:
    """Return the one line of a refusal."""
    assert result.exit_code != 0, result.output
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    return line


# init


def test_init_prints_the_two_lines_to_paste(init):
    answer = init()
    assert answer.exit_code == 0, answer.output
    assert '<script async src="https://feedback.example.org/widget.js"></script>' in answer.stdout
    assert f'<article-feedback site="{SLUG}"></article-feedback>' in answer.stdout


def test_init_writes_settings_that_only_their_owner_reads(init, tmp_path):
    init()
    path = tmp_path / "home" / "settings.toml"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_database_is_read_by_its_owner_alone(tmp_path):
    environ = {"FEEDBACK_HOME": str(tmp_path), "FEEDBACK_SECRET_KEY": SECRET}
    runs(environ)("db", "upgrade")
    # Accounts, tokens' hashes and the keys of networks stand in it; the folder may be one that others enter.
    database = tmp_path / "feedback.sqlite3"
    assert stat.S_IMODE(database.stat().st_mode) == 0o600
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("UPDATE site SET name = ''")
        log = database.with_name(f"{database.name}-wal")
        assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_what_init_wrote_is_all_the_service_needs(init, tmp_path, empty_database_url):
    init()
    app = create_app(load({"FEEDBACK_HOME": str(tmp_path / "home")}))
    try:
        assert app.config["SETTINGS"].database_url == empty_database_url
        client = app.test_client()
        page = client.get(SIGN_IN, base_url="https://feedback.example.org")
        token = CSRF.search(page.text)[1]
        answer = client.post(
            SIGN_IN,
            base_url="https://feedback.example.org",
            data={"csrf_token": token, "email": "ada@example.org", "password": PASSWORD},
            headers={"Referer": f"https://feedback.example.org{SIGN_IN}"},
        )
        assert answer.status_code == 303
    finally:
        dispose(app)


def test_every_set_up_has_secrets_of_its_own(init, tmp_path):
    init()
    first = load({"FEEDBACK_HOME": str(tmp_path / "home")})
    (tmp_path / "home" / "settings.toml").unlink()
    with_new_database = f"sqlite:///{tmp_path / 'second.sqlite3'}"
    init(FEEDBACK_DATABASE_URL=with_new_database)
    second = load({"FEEDBACK_HOME": str(tmp_path / "home")})
    assert first.secret_keys != second.secret_keys
    assert first.mail_keys != second.mail_keys


def test_init_leaves_an_existing_set_up_alone(init, tmp_path):
    init()
    path = tmp_path / "home" / "settings.toml"
    before = path.read_text()
    assert "is there already" in said(init())
    assert path.read_text() == before


def test_init_leaves_no_settings_behind_where_it_fails(init, tmp_path):
    init()
    home = tmp_path / "home"
    (home / "settings.toml").unlink()
    answer = init()
    assert answer.exit_code == 1
    assert "holds a site already" in answer.stderr
    assert not list(home.glob("settings*"))


@pytest.mark.parametrize("option", ["--site", "--origin", "--email", "--password-file"])
def test_init_names_what_is_missing_where_it_cannot_ask(bare, password_file, option):
    given = {"--site": SLUG, "--origin": ORIGIN, "--email": "ada@example.org", "--password-file": password_file}
    arguments = [word for name, value in given.items() if name != option for word in (name, value)]
    assert f"{option} is missing" in said(bare("init", *arguments))


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--site", "Not A Slug"),
        ("--origin", "https://www.example.org/page"),
        ("--origin", "www.example.org"),
        ("--email", "nobody"),
        ("--url", "https://feedback.example.org/path"),
    ],
)
def test_init_refuses_what_will_not_do(bare, password_file, tmp_path, option, value):
    given = {"--site": SLUG, "--origin": ORIGIN, "--email": "ada@example.org", "--password-file": password_file}
    arguments = [word for pair in (given | {option: value}).items() for word in pair]
    assert said(bare("init", *arguments))
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("password", ["eleven char", "x" * 129, ""])
def test_a_password_of_another_length_is_refused(feedback, site, password):
    answer = feedback(
        "user", "add", "mo@example.org", "--role", "moderator", "--site", SLUG, "--password-file", "-", stdin=password
    )
    assert "12 to 128 characters" in said(answer)


@pytest.mark.parametrize("password", ["unbelievable", "MO@example.org"])
def test_a_password_that_others_would_try_is_refused(feedback, site, password):
    answer = feedback(
        "user", "add", "mo@example.org", "--role", "moderator", "--site", SLUG, "--password-file", "-", stdin=password
    )
    assert "password" in said(answer)
    assert "mo@example.org" not in feedback("user", "list").output


def test_init_asks_on_a_terminal(tmp_path):
    answers = [SLUG, ORIGIN, "ada@example.org", "too short", PASSWORD, PASSWORD]
    environ = {"PATH": os.environ["PATH"], "FEEDBACK_HOME": str(tmp_path / "home"), "TERM": "dumb", "LC_ALL": "C.UTF-8"}
    output = on_a_terminal([sys.executable, "-m", "feedback.cli", "init"], environ, answers)
    assert "12 to 128 characters" in output
    assert PASSWORD not in output
    assert f'<article-feedback site="{SLUG}">' in output


def on_a_terminal(command: list[str], environ: dict[str, str], answers: list[str]) -> str:
    """Run a command on a pseudo-terminal, answer its questions in order, and return what it showed."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command, env=environ, stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True, start_new_session=True
    )
    os.close(theirs)
    shown, waiting, deadline = "", list(answers), time.monotonic() + 60
    try:
        while time.monotonic() < deadline:
            if select.select([ours], [], [], 0.2)[0]:
                try:
                    shown += os.read(ours, 4096).decode()
                except OSError:  # how a terminal says that the other side is closed
                    break
            elif waiting and shown.endswith(": "):
                shown += "\n"
                os.write(ours, f"{waiting.pop(0)}\n".encode())
        assert process.wait(5) == 0, shown
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    return shown


# db


def test_migrations_go_up_and_down(bare):
    env = {"FEEDBACK_SECRET_KEY": SECRET}
    assert "feedback db upgrade" in bare("db", "check", **env).stderr
    up = bare("db", "upgrade", **env)
    assert up.exit_code == 0, up.output
    assert "0001  Every table of the first version." in up.stdout
    assert bare("db", "check", **env).exit_code == 0
    assert bare("db", "downgrade", "base", "--yes", **env).exit_code == 0
    assert bare("db", "check", **env).exit_code == 1


def test_going_down_asks_first(feedback):
    assert feedback("db", "downgrade", "base", stdin="n\n").exit_code != 0
    assert feedback("db", "check").exit_code == 0


def test_a_command_says_how_to_bring_an_old_database_up(bare):
    assert "feedback db upgrade" in said(bare("site", "list", FEEDBACK_SECRET_KEY=SECRET))


def test_a_database_of_a_newer_version_is_left_alone(feedback, app):
    with app.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    assert "newer" in said(feedback("db", "upgrade"))


# Sites and articles


def test_a_site_is_added_changed_and_listed(feedback, rows):
    added = feedback("site", "add", "blog", "--origin", "HTTPS://blog.example.org:443/", "--set", "moderation=post")
    assert added.exit_code == 0, added.output
    assert '<article-feedback site="blog"></article-feedback>' in added.stdout
    feedback("site", "change", "blog", "--name", "The Blog", "--set", "max_links=1", "--set", "moderation=")
    (blog,) = rows(sql(Site))
    assert (blog.name, blog.origins, blog.settings) == ("The Blog", ["https://blog.example.org"], {"max_links": 1})
    assert "The Blog" in feedback("site", "list").stdout


@pytest.mark.parametrize(
    "pair",
    ["moderation=never", "nonsense=1", "max_links=-1", "nothing", "name=The Blog", "slug=blog", 'reasons=["unclear"]'],
)
def test_a_setting_of_a_site_that_will_not_do_is_refused(feedback, site, rows, pair):
    assert said(feedback("site", "change", SLUG, "--set", pair))
    assert rows(sql(Site.settings)) == [{}]


def test_a_site_goes_only_while_it_has_no_articles(feedback, article, mo, rows):
    assert "has articles" in said(feedback("site", "remove", SLUG))
    assert mo.token
    feedback("article", "remove", SLUG, KEY)
    assert feedback("site", "remove", SLUG).exit_code == 0
    assert rows(sql(Site)) == rows(sql(Membership)) == rows(sql(Token)) == []


def test_an_article_is_registered_with_its_people(feedback, site, ann, ask, rows):
    people = ("--author", f"Ann Hollis:{ann.email}", "--reviewer", "Rex: the reviewer")
    assert feedback(*ADD_ARTICLE, *people).stdout == "Registered knee.\n"
    (knee,) = rows(sql(Article))
    assert knee.registered
    shown = feedback("article", "list", SLUG).stdout
    assert re.search(r"^knee +Knees +0 +0 +open$", shown, re.MULTILINE)


def test_registering_again_brings_up_to_date(feedback, site, rows):
    feedback(*ADD_ARTICLE)
    again = feedback("article", "add", SLUG, "knee", "--title", "Knees and ankles", "--url", f"{ORIGIN}/knee")
    assert again.stdout == "Brought up to date: knee.\n"
    assert rows(sql(Article.title)) == ["Knees and ankles"]


def test_changing_an_article_keeps_what_is_not_given(feedback, article, ann, rex, ask):
    from feedback import articles

    before = ask(lambda: articles.registered(articles.get(article.site_id, KEY)))
    assert feedback("article", "change", SLUG, KEY, "--title", "New", "--reviewer", "Stan").exit_code == 0
    after = ask(lambda: articles.registered(articles.get(article.site_id, KEY)))
    assert (after.title, after.url) == ("New", before.url)
    assert [(person.name, person.email) for person in after.contributors] == [("Ann Hollis", ann.email), ("Stan", None)]


def test_comments_are_closed_by_a_command(feedback, article, rows):
    feedback("article", "change", SLUG, KEY, "--comments", "closed")
    assert rows(sql(Article.accepts)) == [Accepts.CLOSED]


def test_an_article_with_votes_stays(feedback, article, rae, rows):
    rae.votes(article, "yes")
    assert "voted" in said(feedback("article", "remove", SLUG, KEY))
    assert rows(sql(Article.key)) == [KEY]


# People and tokens


def test_an_account_is_added_by_its_role(feedback, site, password_file, rows):
    answer = feedback(
        "user", "add", "Mo@Example.org", "--role", "moderator", "--site", SLUG, "--password-file", password_file
    )
    assert answer.exit_code == 0, answer.output
    assert rows(sql(User.email)) == ["mo@example.org"]
    assert rows(sql(Membership.role)) == [Role.MODERATOR]
    assert "moderator of health" in feedback("user", "list").stdout


def test_an_account_takes_further_roles_and_loses_them(feedback, mo, rows):
    feedback("user", "change", mo.email, "--role", "author", "--site", SLUG)
    assert set(rows(sql(Membership.role))) == {Role.MODERATOR, Role.AUTHOR}
    feedback("user", "remove", mo.email, "--role", "moderator", "--site", SLUG)
    assert rows(sql(Membership.role)) == [Role.AUTHOR]


def test_a_new_password_ends_the_sessions_of_the_old_one(feedback, mo):
    session = mo.signs_in()
    assert session.get("/moderation/").status_code == 200
    feedback("user", "change", mo.email, "--password-file", "-", stdin="another battery staple\n")
    assert session.get("/moderation/").status_code != 200
    mo.password = "another battery staple"
    mo.signs_in()


def test_an_account_put_to_sleep_has_neither_session_nor_token(feedback, mo):
    session = mo.signs_in()
    feedback("user", "change", mo.email, "--inactive")
    assert session.get("/moderation/").status_code != 200
    assert mo.gets("/queue").status_code == 401
    feedback("user", "change", mo.email, "--active")
    assert mo.gets("/queue").status_code == 200


def test_a_removed_account_leaves_the_byline(feedback, article, ann, ada, rows):
    assert ann.token
    assert feedback("user", "remove", ann.email).exit_code == 0
    assert rows(sql(User.email)) == [ada.email]
    assert "Ann Hollis" in feedback_names(rows)


def feedback_names(rows: Callable[..., list[str]]) -> list[str]:
    from feedback.models import Contributor

    return rows(sql(Contributor.name))


@pytest.mark.parametrize(
    "how", [("remove",), ("remove", "--role", "administrator", "--site", SLUG), ("change", "--inactive")]
)
def test_a_site_keeps_its_last_administrator(feedback, ada, rows, how):
    assert "last administrator" in said(feedback("user", how[0], ada.email, *how[1:]))
    assert rows(sql(User.active)) == [True]
    assert rows(sql(Membership.role)) == [Role.ADMINISTRATOR]


def test_a_token_is_printed_alone_and_opens_its_site(feedback, site, ask):
    printed = feedback("token", "add", SLUG, "--role", "moderator", "--name", "bot").stdout
    principal = ask(staff.authenticate, printed.strip(), now=real_clock.now())
    assert (printed.count("\n"), principal.site_id, principal.role) == (1, site.id, Role.MODERATOR)


def test_an_authors_token_names_its_author(feedback, ann, ask):
    assert "needs the person" in said(feedback("token", "add", SLUG, "--role", "author"))
    printed = feedback("token", "add", SLUG, "--role", "author", "--user", ann.email).stdout
    assert ask(staff.authenticate, printed.strip(), now=real_clock.now()).user_id == ann.id


def test_a_revoked_token_is_dead(feedback, site, ask, rows):
    secret = feedback("token", "add", SLUG, "--role", "moderator").stdout.strip()
    (token,) = rows(sql(Token))
    assert secret not in feedback("token", "list", SLUG).stdout
    assert feedback("token", "revoke", str(token.id)).exit_code == 0
    assert ask(staff.authenticate, secret, now=real_clock.now()) is None


@pytest.mark.parametrize(
    "command",
    [
        ("article", "add", "nowhere", "k", "--title", "T", "--url", ORIGIN),
        ("article", "list", "nowhere"),
        ("article", "change", SLUG, "nothing", "--title", "T"),
        ("article", "remove", SLUG, "nothing"),
        ("article", "add", SLUG, "k", "--title", "T", "--url", "ftp://example.org"),
        ("site", "add", SLUG, "--origin", ORIGIN),
        ("site", "add", "Bad Slug", "--origin", ORIGIN),
        ("site", "remove", "nowhere"),
        ("user", "change", "nobody@example.org", "--inactive"),
        ("user", "change", "nobody@example.org", "--role", "author"),
        ("token", "add", "nowhere", "--role", "moderator"),
        ("token", "add", SLUG, "--role", "author", "--user", "nobody@example.org"),
        ("token", "add", SLUG, "--role", "reader"),
        ("token", "revoke", "019a2f3e-5c1b-7d2e-8f00-1b2c3d4e5f60"),
        ("token", "revoke", "x"),
        ("nonsense",),
        ("site", "add"),
    ],
)
def test_what_cannot_be_done_is_one_line(feedback, site, command):
    assert said(feedback(*command)).startswith("feedback: ")


# doctor, worker


def test_the_doctor_finds_a_good_installation_good(feedback):
    answer = feedback("doctor")
    assert answer.exit_code == 0, answer.output
    assert "MEND" not in answer.stdout


def test_the_doctor_shows_no_secret(feedback):
    secret_url = "redis://:hidden-password@127.0.0.1:1"
    shown = feedback("doctor", FEEDBACK_LIMITS_URL=secret_url).output
    assert SECRET not in shown
    assert "hidden-password" not in shown
    assert "1 key" in shown


@pytest.mark.parametrize(
    ("env", "about"),
    [
        ({"FEEDBACK_LIMITS": "off"}, "FEEDBACK_LIMITS is off"),
        ({"FEEDBACK_LIMITS_URL": "redis://127.0.0.1:1"}, "does not answer"),
    ],
)
def test_the_doctor_says_what_to_mend(feedback, env, about):
    answer = feedback("doctor", **env)
    assert answer.exit_code == 1
    (line,) = [line for line in answer.stdout.splitlines() if line.startswith("MEND")]
    assert about in line


def test_the_doctor_sees_an_old_database(bare):
    answer = bare("doctor", FEEDBACK_SECRET_KEY=SECRET)
    assert answer.exit_code == 1
    assert "feedback db upgrade" in answer.stdout


def test_the_doctor_sees_settings_that_others_may_read(init, bare, tmp_path):
    init()
    (tmp_path / "home" / "settings.toml").chmod(0o644)
    assert "chmod 600" in bare("doctor").stdout


@pytest.fixture
def overdue(app) -> Iterator[Callable[[], int]]:
    """A network key of three days ago; returns how many are left."""
    day = (real_clock.now() - timedelta(days=3)).date()
    with app.app_context():
        transact(lambda: db.session.execute(insert(NetworkKey).values(day=day, key=b"k" * 32)))

    def left() -> int:
        with app.app_context():
            return len(db.session.execute(sql(NetworkKey).where(NetworkKey.day == day)).all())

    return left


def test_the_doctor_sees_a_worker_that_does_not_work(feedback, overdue):
    assert "feedback worker" in feedback("doctor").stdout


def test_the_worker_forgets_networks_after_48_hours(feedback, overdue):
    assert overdue() == 1
    assert feedback("worker", "--once").exit_code == 0
    assert overdue() == 0


# What all commands share


def commands(
    group: click.Command = main, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if isinstance(group, click.Group):
        for name, command in group.commands.items():
            yield from commands(command, (*path, name))
    else:
        yield path, group


@pytest.mark.parametrize("path", [path for path, _ in commands()], ids=" ".join)
def test_every_command_explains_itself_by_an_example(path):
    answer = CliRunner().invoke(main, [*path, "--help"])
    assert answer.exit_code == 0
    assert f"Example:\n    feedback {' '.join(path)}" in answer.output


def test_the_roles_of_commands_are_those_of_the_tables():
    assert list(ROLES) == [role.value for role in Role]


@pytest.mark.parametrize(
    ("env", "named"),
    [
        ({}, "FEEDBACK_SECRET_KEY"),
        ({"FEEDBACK_SECRET_KEY": "short"}, "FEEDBACK_SECRET_KEY"),
        ({"FEEDBACK_SECRET_KEY": SECRET, "FEEDBACK_WORKERS": "many"}, "FEEDBACK_WORKERS"),
        ({"FEEDBACK_SECRET_KEY": SECRET, "FEEDBACK_PUBLIC_URL": "http://[2001:db8::1]"}, "FEEDBACK_PUBLIC_URL"),
        ({"FEEDBACK_SECRET_KEY": SECRET, "FEEDBACK_DATABASE_URL": "mysql://x"}, "FEEDBACK_DATABASE_URL"),
        ({"FEEDBACK_SECRET_KEY": SECRET, "FEEDBACK_TYPO": "1"}, "FEEDBACK_TYPO"),
    ],
)
def test_a_bad_setting_stops_a_command_by_its_name(tmp_path, env, named):
    assert named in said(runs({"FEEDBACK_HOME": str(tmp_path)} | env)("site", "list"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("mail_from", each) for each in ("feedback", "a@", "a@b.c, d@e.f", "a@b.c\nBcc: d@e.f", "zoë@example.org")),
        *(("mail_url", f"smtp://user:secret@{each}") for each in ("host:99999", "host:0", "host?tls=starttls")),
        ("mail_url", "smtps://host?tls=start"),
    ],
)
def test_mail_that_could_not_leave_or_not_safely_stops_the_start(tmp_path, name, value):
    environ = {"FEEDBACK_HOME": str(tmp_path), "FEEDBACK_SECRET_KEY": SECRET, f"FEEDBACK_{name.upper()}": value}
    with pytest.raises(BadSetting, match=f"FEEDBACK_{name.upper()}") as refused:
        load(environ)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("mail_from", each) for each in ("a@localhost", "Quiet Health <a@b.c>", '"Health, Quiet" <a@b.c>')),
        *(("mail_url", each) for each in ("smtp://host", "smtp://u:p@host:587?tls=start", "smtps://u:p@host:465/")),
    ],
)
def test_mail_that_can_leave_is_set(tmp_path, name, value):
    environ = {"FEEDBACK_HOME": str(tmp_path), "FEEDBACK_SECRET_KEY": SECRET, f"FEEDBACK_{name.upper()}": value}
    assert getattr(load(environ), name) == value


@pytest.mark.parametrize(
    "url", ["postgresql+psycopg://nobody@127.0.0.1:1/none", "sqlite:////nonexistent/folder/feedback.sqlite3"]
)
def test_a_database_that_does_not_answer_is_one_line(tmp_path, url):
    env = {"FEEDBACK_HOME": str(tmp_path), "FEEDBACK_SECRET_KEY": SECRET, "FEEDBACK_DATABASE_URL": url}
    assert "database" in said(runs(env)("site", "list"))
