"""An installed wheel is whole: it needs no clone beside it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.processes import ROOT
from tests.revisions import revisions

pytestmark = pytest.mark.acceptance

ROOMS = ("api", "db", "economics", "process", "worker")
BUILDS = ("pyproject.toml", "setup.py", "README.md")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy, since a build leaves things behind; without an index."""
    copy = tmp_path_factory.mktemp("clone")
    for room in (*ROOMS, "alembic"):
        shutil.copytree(ROOT / room, copy / room, ignore=shutil.ignore_patterns("__pycache__"))
    for name in BUILDS:
        shutil.copy(ROOT / name, copy)
    built = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "-q", "--disable-pip-version-check"]
    offline = ["--no-index", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, *offline, "-w", str(built), str(copy)], check=True, timeout=120)
    (found,) = built.glob("buybox-*.whl")
    return found


def test_a_wheel_has_every_file_of_every_room(wheel: Path) -> None:
    inside = set(ZipFile(wheel).namelist())
    files = {
        str(path.relative_to(ROOT))
        for room in ROOMS
        for path in (ROOT / room).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert len(files) > 300
    assert files - inside == set()


def test_an_installed_wheel_migrates_a_database(
    wheel: Path, empty_database_url: str, tmp_path: Path
) -> None:
    site = tmp_path / "site-packages"
    ZipFile(wheel).extractall(site)
    done = subprocess.run(
        [sys.executable, "-m", "worker.cli.main", "migrate"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(site), "DATABASE_URL": empty_database_url},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"database at {revisions()[-1]} (was empty)" in done.stdout
