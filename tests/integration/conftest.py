"""What the tests of this folder share: T2 taking many products along, some, or none."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from tests import interleave
from tests.economy import MARGIN, margins, set_all, tell
from tests.explaining import explain
from worker.cli.main import app


@pytest.fixture(params=[0, 1, 128], ids="siblings={}".format)
def siblings(request, monkeypatch):
    """How many other products each T2 of the test may take along."""
    monkeypatch.setattr(interleave, "MAX_SIBLINGS", request.param)
    return request.param


@pytest.fixture
def known(conn):
    """One state, its costs and fees known."""
    set_all(conn)
    tell(conn)
    assert margins(conn) == [MARGIN]
    return conn


@pytest.fixture
def buybox(database_url):
    """`buybox explain` on the test's database."""

    def run(*arguments, url: str = database_url, **options):
        return explain(*arguments, url=url, **options)

    return run


@pytest.fixture
def explained(buybox):
    """What it tells as JSON."""

    def run(*arguments) -> dict:
        done = buybox(*arguments, "--json")
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    return run


@pytest.fixture
def buybox_alerts(database_url):
    """`buybox alerts` on the test's database, as ann types it."""

    def run(*arguments, width: int = 240, **env):
        given = {"DATABASE_URL": database_url, "COLUMNS": str(width), "NO_COLOR": "1"}
        given |= {"BUYBOX_WHO": "ann"} | env
        return CliRunner().invoke(app, ["alerts", *map(str, arguments)], env=given)

    return run
