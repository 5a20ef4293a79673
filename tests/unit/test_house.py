"""Rules of the house that no linter knows."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
FOLDERS = ("worker", "api", "db", "economics", "process", "alembic", "benchmarks", "tests")
CODE = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]


def test_no_file_is_a_tower() -> None:
    """About 300 lines is what one reads in one go; 350 is where somebody must split."""
    towers = {str(p.relative_to(ROOT)): len(p.read_text().splitlines()) for p in CODE}
    assert {name: lines for name, lines in towers.items() if lines > 350} == {}


def test_the_migrations_folder_does_not_hide_the_library_of_its_name() -> None:
    assert not (ROOT / "alembic" / "__init__.py").exists()


def test_nothing_that_is_kept_is_a_link() -> None:
    """One leads to a place that others do not have, or away from where they think they write."""
    tracked = subprocess.run(
        ["git", "ls-files", "--stage"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if tracked.returncode != 0:
        pytest.skip("no git checkout, so nothing says which files are ours")
    assert [line for line in tracked.stdout.splitlines() if line.startswith("120000")] == []


def test_no_file_names_a_path_of_a_machine() -> None:
    machine = re.compile(r"(?<![\w.])/(?:home|root|Users|work|opt|mnt)/\w")
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if tracked.returncode != 0:
        pytest.skip("no git checkout, so nothing says which files are ours")
    texts = [
        ROOT / name
        for name in tracked.stdout.split()
        if Path(name).suffix in {".py", ".sql", ".md", ".toml", ".yaml", ".txt", ".lock", ""}
    ]
    found = {
        str(path.relative_to(ROOT)): match[0]
        for path in texts
        if path.is_file() and (match := machine.search(path.read_text(errors="ignore")))
    }
    assert found == {}


def test_each_colour_of_the_page_stands_once_for_light_and_dark() -> None:
    text = (ROOT / "api" / "static" / "colours.css").read_text()
    names = re.findall(r"^ *(--[a-z-]+):", text, re.MULTILINE)
    assert len(names) == len(set(names)) == text.count("light-dark(") > 20
    assert "prefers-color-scheme" not in text


def test_every_error_explains_itself() -> None:
    from worker import errors

    for name, found in vars(errors).items():
        if isinstance(found, type) and issubclass(found, errors.BuyboxError):
            assert str(found()).endswith("."), name


def test_a_retryable_error_and_a_permanent_one_are_never_the_same() -> None:
    from worker import errors

    for found in vars(errors).values():
        if isinstance(found, type) and issubclass(found, errors.BuyboxError):
            assert not (
                issubclass(found, errors.RetryableError)
                and issubclass(found, errors.PermanentError)
            )


def test_no_per_product_task_uses_procrastinate_s_own_retry_or_queueing_lock() -> None:
    """Either would wedge a product or lose a wake-up (docs/decisions/0001)."""
    from psycopg_pool import ConnectionPool

    from worker.app import build_app
    from worker.settings import Settings

    settings = Settings(database_url="postgresql://nobody@127.0.0.1:1/none")
    pool = ConnectionPool("", min_size=0, max_size=1, open=False)
    app = build_app(settings, pool=pool)
    ours = [task for name, task in app.tasks.items() if "builtin" not in name]
    assert {task.name for task in ours} >= {"analyse_product", "wake_product"}
    for task in ours:
        assert task.retry_strategy is None, task.name
        assert task.queueing_lock is None, task.name
