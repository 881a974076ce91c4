"""The house itself: tables and migrations, floors, packaging, documentation, and that no test quietly stays away."""

import ast
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from sqlalchemy import Engine, Inspector, UniqueConstraint, inspect

from feedback import models, schema
from feedback.cli import main
from feedback.config import SETTINGS
from feedback.db import db, dispose
from tests.conftest import create_app, settings

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "feedback"
README = (ROOT / "README.md").read_text(encoding="utf-8")


# Tables and migrations


def described(engine: Engine) -> dict[str, Any]:
    """Return all that the database knows of its tables."""
    found = inspect(engine)
    return {name: _table(found, name) for name in found.get_table_names() if name != "alembic_version"}


def _table(found: Inspector, name: str) -> dict[str, Any]:
    columns = {each["name"]: (str(each["type"]), each["nullable"], each["default"]) for each in found.get_columns(name)}
    foreign = [
        (each["name"], each["constrained_columns"], each["referred_table"], each["referred_columns"])
        for each in found.get_foreign_keys(name)
    ]
    indexes = [
        (each["name"], each["column_names"], each["unique"], _condition(each)) for each in found.get_indexes(name)
    ]
    return {
        "columns": columns,
        "key": found.get_pk_constraint(name)["constrained_columns"],
        "unique": sorted((each["name"], each["column_names"]) for each in found.get_unique_constraints(name)),
        "foreign": sorted(foreign, key=str),
        "check": sorted((each["name"], each["sqltext"].split()) for each in found.get_check_constraints(name)),
        "index": sorted(indexes),
    }


def _condition(index: Any) -> str:
    return " ".join(str(each) for name, each in index.get("dialect_options", {}).items() if name.endswith("_where"))


@pytest.fixture
def empty_app(empty_database_url, tmp_path):
    app = create_app(settings(tmp_path, empty_database_url))
    yield app
    dispose(app)


def test_the_tables_of_the_models_are_those_of_the_migrations(app, empty_app):
    with app.app_context():
        migrated = described(db.engine)
    with empty_app.app_context():
        db.create_all()
        modelled = described(db.engine)
    assert migrated == modelled


def test_every_migration_goes_down_and_up_again(app):
    with app.app_context():
        before, top = described(db.engine), schema.newest()
        while schema.current():
            schema.downgrade("-1")
        assert described(db.engine) == {}
        steps = list(schema.upgrade())
        assert described(db.engine) == before
        assert (steps[-1].revision, schema.current()) == (top, top)


def test_every_row_that_grows_lies_with_its_article():
    grown = {"vote", "tally", "reason_tally", "comment", "decision"}
    tables = {name: table for name, table in db.metadata.tables.items() if "article_id" in table.c}
    assert grown <= set(tables)
    for name, table in tables.items():
        unique = [each for each in table.constraints if isinstance(each, UniqueConstraint)]
        unique += [index for index in table.indexes if index.unique]
        for key in (table.primary_key, *unique):
            assert "article_id" in key.columns, f"{name}: {[column.name for column in key.columns]}"


def test_no_table_takes_its_keys_from_the_database():
    for table in db.metadata.tables.values():
        for column in table.primary_key.columns:
            assert column.autoincrement is not True and column.server_default is None
            assert column.type.python_type is not int, f"{table.name}.{column.name} would be given by a sequence"


@pytest.mark.parametrize("engine", ["postgresql"])
def test_postgresql_has_no_sequence(app):
    with app.app_context():
        assert inspect(db.engine).get_sequence_names() == []


def test_every_model_is_a_table_of_this_package():
    assert all(mapper.class_.__module__.startswith(f"{models.__name__}.") for mapper in db.Model.registry.mappers)


# Floors

GROUND = {
    "addresses", "beta", "chart", "characters", "clock", "config", "db", "errors", "languages", "logs", "mail",
    "models", "opaque", "origins", "outbound", "personal", "reopening", "schema", "statistics", "text",
    "waiting", "writers",
}  # fmt: skip
DOORS = {"views", "cli", "demo", "serve", "worker"}
FLOORS = ("the ground", "the rules", "the forms", "the doors")


def modules() -> dict[str, Path]:
    """Return every module but the factory, by its name within the package."""
    paths = {path: path.relative_to(PACKAGE).with_suffix("").parts for path in PACKAGE.rglob("*.py")}
    named = {".".join(parts[:-1] if parts[-1] == "__init__" else parts): path for path, parts in paths.items()}
    return {name: path for name, path in named.items() if name}


def floor(module: str) -> int:
    room = module.partition(".")[0]
    return 0 if room in GROUND else 2 if room == "forms" else 3 if room in DOORS else 1


def imported(module: str, path: Path) -> Iterator[tuple[str, str]]:
    """Yield (module, name) of every import, wherever in the file it stands; ours without the package's name."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                source = ".".join(["feedback", *above, *([source] if source else [])])
            yield from ((source, alias.name) for alias in node.names)


def ours(source: str, name: str) -> str | None:
    """Return which of our modules an import means."""
    if source == "feedback":
        return name if name in modules() else None
    return source.removeprefix("feedback.") if source.startswith("feedback.") else None


@pytest.mark.parametrize("module", sorted(modules()))
def test_imports_point_downward(module):
    for source, name in imported(module, modules()[module]):
        target = ours(source, name)
        if target is not None:
            assert floor(target) <= floor(module), f"{FLOORS[floor(module)]} ({module}) must not know {target}"


@pytest.mark.parametrize("module", sorted(name for name in modules() if floor(name) in (1, 2)))
def test_rules_know_no_request_and_never_commit(module):
    path = modules()[module]
    forbidden = {"request", "g", "session", "current_app"}
    assert not {name for source, name in imported(module, path) if source == "flask"} & forbidden
    calls = [node.func.attr for node in ast.walk(ast.parse(path.read_text())) if _is_method_call(node)]
    assert "commit" not in calls


def _is_method_call(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)


def test_the_floors_name_rooms_that_exist():
    assert {name.partition(".")[0] for name in modules()} >= GROUND | DOORS


def test_only_one_module_makes_html_of_text():
    cleaning = [
        name for name, path in modules().items() if any("bleach" in source for source, _ in imported(name, path))
    ]
    assert cleaning == ["text"]


def test_text_is_called_safe_in_one_place():
    templates = [path for path in (ROOT / "templates").rglob("*") if path.is_file()]
    filters = [str(path) for path in templates if re.search(r"\|\s*safe\b|autoescape\s+false", path.read_text())]
    marked = [name for name, path in modules().items() if re.search(r"\bMarkup\(", path.read_text())]
    assert filters == []
    assert marked == ["text"]
    assert modules()["text"].read_text().count("Markup(") == 1


def test_no_template_carries_a_script_or_a_style():
    for path in (ROOT / "templates").rglob("*.html"):
        page = re.sub(r"\{#.*?#\}", "", path.read_text(), flags=re.DOTALL)
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=[\"']|javascript:", page), path
        for attributes, body in re.findall(r"<script([^>]*)>(.*?)</script>", page, re.DOTALL):
            assert "src=" in attributes and not body.strip() or "application/ld+json" in attributes, path


# Packaging


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    (path,) = folder.glob("*.whl")
    return path


def files(*folders: str) -> set[str]:
    """Return every file of these folders but what Python leaves there."""
    found = (path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file())
    return {str(path.relative_to(ROOT)) for path in found if "__pycache__" not in path.parts}


def test_the_wheel_holds_every_file_of_the_service(wheel):
    held = set(zipfile.ZipFile(wheel).namelist())
    wanted = files("feedback") | {f"feedback/{name}" for name in files("templates", "migrations")}
    assert {"feedback/static/widget.js", "feedback/templates/base.html", "feedback/migrations/env.py"} <= wanted
    assert wanted - held == set()


def test_what_the_wheel_holds_is_enough_to_run(wheel, tmp_path):
    installed = tmp_path / "installed"
    zipfile.ZipFile(wheel).extractall(installed)
    environ = {"PYTHONPATH": str(installed), "FEEDBACK_HOME": str(tmp_path / "home"), "PATH": "/usr/bin:/bin"}
    script = (
        "import feedback, sys\n"
        "from feedback.cli import main\n"
        f"assert feedback.__file__.startswith({str(installed)!r})\n"
        "sys.argv[1:] = ['init', '--site', 'health', '--origin', 'https://www.example.org',"
        " '--email', 'ada@example.org', '--password-file', '-']\n"
        "main()\n"
        "app = feedback.create_app()\n"
        "client = app.test_client()\n"
        "assert client.get('/account/sign-in').status_code == 200\n"
        "assert client.get('/widget.js').status_code == client.get('/readyz').status_code == 200\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environ, input="a password of length",
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


# Documentation


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_every_setting_is_in_the_readme_with_its_default_and_meaning(setting):
    row = f"| `{setting.name}` | {setting.default} | {setting.meaning} |"
    assert row.replace("`", "") in README.replace("`", "")


def commands(group: click.Command = main, path: tuple[str, ...] = ("feedback",)) -> Iterator[str]:
    if isinstance(group, click.Group):
        for name, command in group.commands.items():
            yield from commands(command, (*path, name))
    else:
        yield " ".join(path)


@pytest.mark.parametrize("command", list(commands()))
def test_every_command_is_in_the_readme(command):
    assert re.search(rf"`{command}[ `]", README)


def test_every_page_and_call_is_in_the_readme_or_the_contract(app, client):
    contract = {re.sub(r"\{\w+\}", "<>", path) for path in client.get("/api/v1/openapi.json").json["paths"]}
    manual = set(re.findall(r"`(/[^`]*)`", re.sub(r"<\w+>", "<>", README)))
    for rule in app.url_map.iter_rules():
        # What takes forms only belongs to a page that has the form; of the contract every call is named.
        if "GET" in (rule.methods or ()) or rule.rule.startswith("/api/"):
            assert addresses(rule.rule) <= contract | manual, rule.rule


def addresses(rule: str) -> set[str]:
    """Write a route without the names of its parts; one address for each of `<any(…):name>`."""
    choice = re.search(r"<any\(([^)]*)\):\w+>", rule)
    choices = [each.strip(" '") for each in choice[1].split(",")] if choice else [""]
    plain = [rule.replace(choice[0], each) if choice else rule for each in choices]
    return {re.sub(r"<[^>]+>", "<>", each) for each in plain}


def test_the_readme_and_the_checks_before_a_merge_run_the_same_line():
    (line,) = re.findall(r"^python3 -m venv .* -m tests$", README, re.MULTILINE)
    assert line in (ROOT / ".ci" / "run").read_text().splitlines()
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111


def test_every_picture_of_the_readme_is_there():
    for path in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README):
        assert (ROOT / path).is_file(), path


def test_every_file_the_readme_names_is_there():
    for path in re.findall(r"`((?:feedback|tests|templates|migrations|deploy|\.ci)/[\w./-]+)`", README):
        assert (ROOT / path).exists(), path


def test_every_module_stands_in_the_map_on_its_floor():
    drawn = re.search(r"```\nfeedback/ (.*?)\n  static/", README, re.DOTALL)[1]
    floors: dict[str, set[str]] = {}
    named = ""
    for line in drawn.splitlines()[1:]:
        rooms = re.split(r" {2,}", line.strip())[0]
        if line.startswith("    "):
            floors[named] |= {room.removesuffix("/").removesuffix(".py") for room in rooms.split()}
        else:
            named = rooms.partition(",")[0]
            floors[named] = set()
    assert set().union(*floors.values()) == {name.partition(".")[0] for name in modules()}
    for name, rooms in floors.items():
        assert {FLOORS[floor(room)] for room in rooms} == {name}


# The tests themselves


def test_a_test_that_stays_away_says_which_outside_data_is_missing(pytester_like):
    assert pytester_like("pytest.skip('not today')") == "failed"
    assert pytester_like("pytest.xfail('known')") == "failed"
    assert pytester_like("pytest.skip('no /data/x: set TEST_CORPORA to the folder')") == "skipped"


@pytest.fixture
def pytester_like(tmp_path):
    """Run a test of one line under this suite's rule, and return how it ended."""

    def run(line: str) -> str:
        (tmp_path / "test_one.py").write_text(f"import pytest\ndef test_one():\n    {line}\n")
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "tests.presence", "--rootdir", str(tmp_path),
             "-p", "no:cacheprovider", "-c", "/dev/null", str(tmp_path / "test_one.py")],
            cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, "PYTEST_ADDOPTS": ""},
        )  # fmt: skip
        (word,) = re.findall(r"^1 (\w+) in", done.stdout, re.MULTILINE)
        return word

    return run
