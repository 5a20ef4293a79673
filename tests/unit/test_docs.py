"""The documents say what is so: settings, commands, targets, views, files, samples and SQL."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings
from typer.main import get_command

from api.settings import ApiSettings
from db.operators import VIEWS
from db.sql import query_names
from tests.factories import arrival
from worker.cli.main import app
from worker.ingest.door import read
from worker.ingest.notification import Rejection
from worker.settings import Settings

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
DASHBOARD = ROOT / "docs" / "dashboard-backend.md"
RUNBOOK = ROOT / "docs" / "runbooks" / "operators.md"
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("0*.md"))
DOCUMENTS = [README, ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
LOCKS = sorted(ROOT.glob("*.lock"))
SAMPLES = ROOT / "tests" / "data" / "spapi"

each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: p.name)


def rows(text: str, header: str) -> list[list[str]]:
    """The rows of the table under this header line, as cells."""
    lines = text.split(header, 1)[1].splitlines()[2:]
    table = lines[: next((n for n, line in enumerate(lines) if not line.startswith("|")), None)]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


def code(text: str) -> str:
    """What stands in backticks or in a block: the only places where commands are named."""
    blocks = re.findall(r"```.*?```", text, re.DOTALL)
    return "\n".join(
        [*blocks, *re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))]
    )


# settings -----------------------------------------------------------------------------------------


def test_the_table_of_settings_is_the_settings_class():
    assert rows(README.read_text("utf-8"), "| name | default | meaning |") == table_of(Settings)
    text = DASHBOARD.read_text("utf-8")
    assert rows(text, "| setting | default | meaning |") == table_of(ApiSettings)


def table_of(settings: type[BaseSettings]) -> list[list[str]]:
    def shown(default: object) -> str:
        if default is PydanticUndefined:
            return "host-pid"
        return "not set" if default in {None, ""} else f"`{default}`"

    return [
        [f"`{name.upper()}`", shown(field.default), field.description]
        for name, field in settings.model_fields.items()
    ]


@each_document
def test_every_setting_that_is_named_exists(document):
    classes = (Settings, ApiSettings)
    known = {name.upper() for one in classes for name in one.model_fields}
    foreign = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "PYTHON_VERSION", "YOUR_ACCOUNT"}
    foreign |= {"BUYBOX_WHO"}  # of a person's own shell, read by the command line
    foreign |= {"BUYBOX_URL", "BUYBOX_TOKEN", "REPEATABLE_READ"}  # of the examples
    types = {"ANY_OFFER_CHANGED", "B2B_ANY_OFFER_CHANGED", "PRICING_HEALTH"}
    named = set(re.findall(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b", document.read_text("utf-8")))
    assert named - known - foreign - types == set()


# commands -----------------------------------------------------------------------------------------


def commands() -> dict[str, set[str]]:
    """Each command of buybox with its options; a group's commands as "group command"."""
    found: dict[str, set[str]] = {}

    def collect(command, path: str) -> None:
        found[path] = {o for p in command.params for o in (*p.opts, *p.secondary_opts)}
        for name, child in getattr(command, "commands", {}).items():
            collect(child, f"{path} {name}".strip())

    collect(get_command(app), "")
    return found


@each_document
def test_every_command_that_is_named_exists_with_its_options(document):
    known = commands()
    lines = re.findall(r"\bbuybox ((?:[a-z]+ ?)+)([^\n`;]*)", code(document.read_text("utf-8")))
    for words, rest in lines:
        path = words.split()
        while path and " ".join(path) not in known:
            path.pop()
        assert path, f"{document.name}: there is no command buybox {words}"
        options = set(re.findall(r"(?<!\S)--[a-z-]+", f"{words} {rest}"))
        assert options <= known[" ".join(path)], f"{document.name}: buybox {words}{rest}"


def test_every_command_is_in_the_readme():
    text = README.read_text("utf-8")
    assert [name for name in commands() if name and f"`buybox {name}" not in text] == []


@each_document
def test_every_make_target_that_is_named_exists(document):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z]+)\b", code(document.read_text("utf-8"))))
    assert named <= targets


# views --------------------------------------------------------------------------------------------


@each_document
def test_every_view_that_is_named_is_a_file(document):
    files = {path.stem for path in (ROOT / "db" / "code" / "views").glob("*.sql")}
    assert files == set(VIEWS)
    assert set(re.findall(r"\bops\.([a-z_]+)", document.read_text("utf-8"))) <= files


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_is_in_the_readme_or_the_runbook(view):
    assert f"ops.{view}" in README.read_text("utf-8") + RUNBOOK.read_text("utf-8")


def statements() -> list[tuple[str, str]]:
    """(document, statement) of every SQL block."""
    return [
        (document.name, statement.strip())
        for document in DOCUMENTS
        for block in re.findall(r"```sql\n(.*?)```", document.read_text("utf-8"), re.DOTALL)
        for statement in re.sub(r"--[^\n]*", "", block).split(";")
        if statement.strip()
    ]


def test_the_sql_in_the_documents_runs(conn: psycopg.Connection):
    assert len(statements()) > 15
    with conn.transaction(force_rollback=True):
        for document, statement in statements():
            try:
                with conn.transaction():
                    conn.execute(statement)
            except psycopg.Error as error:
                pytest.fail(f"{document}: {statement}\n{error}")


# files --------------------------------------------------------------------------------------------


@each_document
def test_every_link_leads_to_a_file_and_a_heading(document):
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text("utf-8")):
        path, _, anchor = target.partition("#")
        file = (document.parent / path).resolve() if path else document
        assert file.exists(), f"{document.name}: {target}"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", file.read_text("utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in headings}


def test_the_text_of_every_licence_that_asks_for_it_goes_with_the_samples():
    notice = (SAMPLES / "NOTICE.md").read_text("utf-8")
    named = {row[-1] for row in rows(notice, "| tag | repository and place | commit | licence |")}
    texts = {path.stem for path in (SAMPLES.parent / "licences").iterdir()}
    assert named - {"MIT-0"} == texts == {"Apache-2.0", "MIT"}


@each_document
def test_every_file_that_is_named_exists(document):
    named = re.findall(
        r"`((?:worker|api|db|economics|process|alembic|tests|docs)/[\w/.-]*\w)`",
        document.read_text("utf-8"),
    )
    assert [name for name in named if not (ROOT / name).exists()] == []


@each_document
def test_no_document_names_a_path_of_a_machine(document):
    found = re.findall(
        r"(?<![\w.~])/(?:home|root|work|tmp|opt|mnt|Users|usr)/\w+", document.read_text("utf-8")
    )
    assert found == []


@pytest.mark.parametrize("file", [*LOCKS, *DOCUMENTS], ids=lambda p: p.name)
def test_no_lock_and_no_document_names_an_index(file):
    text = file.read_text("utf-8")
    assert not re.search(r"--(extra-)?index-url|--find-links|pypi\.org|files\.pythonhosted", text)
    if file in LOCKS:
        assert "://" not in text


def test_the_readme_can_be_read_in_one_go():
    assert len(README.read_text("utf-8").splitlines()) < 300


# decisions ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("record", DECISIONS, ids=lambda p: p.stem)
def test_a_decision_record_is_short_and_names_its_check(record):
    text = record.read_text("utf-8")
    assert len(text.splitlines()) < 60
    assert text.startswith(f"# {record.name[:4]}: ")
    sections = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert {"Decision", "Context", "Alternatives", "Checks"} <= set(sections)
    assert "tests/" in text.split("## Checks")[1]


def test_the_index_of_decisions_is_complete():
    index = (ROOT / "docs" / "decisions" / "README.md").read_text("utf-8")
    assert re.findall(r"\]\((0\d{3}-[\w-]+\.md)\)", index) == [record.name for record in DECISIONS]
    assert [int(record.name[:4]) for record in DECISIONS] == list(range(1, len(DECISIONS) + 1))


@pytest.mark.parametrize("folder", ["worker", "api", "db", "economics", "process", "alembic"])
def test_a_decision_that_the_code_names_exists(folder):
    numbers = {record.name[:4] for record in DECISIONS}
    for path in (ROOT / folder).rglob("*.py"):
        assert set(re.findall(r"docs/decisions/(\d{4})", path.read_text("utf-8"))) <= numbers


def test_nothing_in_the_database_room_is_asynchronous():
    """Decision 0006."""
    for path in (ROOT / "db").glob("*.py"):
        assert not re.search(r"\basync def\b|AsyncConnection", path.read_text("utf-8")), path.name


def test_a_statement_that_a_document_names_is_sent():
    text = "".join(document.read_text("utf-8") for document in DOCUMENTS)
    assert set(re.findall(r"db/queries/(\w+)\.sql", text)) <= set(query_names())


# samples ------------------------------------------------------------------------------------------


def outcomes() -> dict[str, str]:
    """What the door and the dedupe keys make of each sample: state, ignored, repeat, quarantined."""
    found, seen = {}, set()
    for path in sorted(p for p in SAMPLES.iterdir() if p.suffix != ".md"):
        result = read(arrival(path.read_bytes()), now=datetime(2026, 1, 1, tzinfo=UTC))
        if isinstance(result, Rejection):
            found[path.name] = "quarantined"
            continue
        key = (result.notification_id, result.source_key, result.notification_type)
        repeat = result.notification_id is not None and key in seen
        seen.add(key)
        found[path.name] = (
            "repeat" if repeat else "state" if result.status == "waiting" else "ignored"
        )
    return found


def test_the_table_of_samples_is_what_becomes_of_them():
    text, found = README.read_text("utf-8"), outcomes()
    table = rows(text, "| sample | becomes |")
    named = {cell.strip("`"): becomes for cell, becomes in table if cell.endswith("json`")}
    named |= {cell.strip("`"): becomes for cell, becomes in table if cell.endswith("xml`")}
    assert {name: becomes.split()[0].rstrip(",:") for name, becomes in named.items()} == {
        name: what for name, what in found.items() if what in {"state", "quarantined"}
    }
    pairs = {cell.split("`")[1].removesuffix(".*") for cell, _ in table if ".*" in cell}
    assert pairs == {name.split(".")[0] for name, what in found.items() if what == "repeat"}
    others = sum(w == "ignored" and n.split(".")[0] not in pairs for n, w in found.items())
    assert f"the other {others} types, a file each" in text


def test_the_counts_of_samples_are_right():
    found = list(outcomes().values())
    sentence = (
        f"{len(found)} files: {found.count('state') + found.count('ignored')} stored "
        f"({found.count('state')} to state, {found.count('ignored')} ignored), "
        f"{found.count('repeat')} repeats, {found.count('quarantined')} quarantined"
    )
    assert sentence in " ".join(README.read_text("utf-8").split())
