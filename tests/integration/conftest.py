"""What the tests of this folder share: T2 taking many products along, some, or none."""

from __future__ import annotations

import json

import pytest
from psycopg_pool import ConnectionPool
from typer.testing import CliRunner

from db.connect import connect
from tests import interleave
from tests.dashboard import serving
from tests.delivery import (
    Clock,
    add_alert,
    add_message,
    add_route,
    channels,
    deliver_all,
    desk,
    dispatch,
    pool_of,
)
from tests.economy import MARGIN, margins, set_all, tell
from tests.explaining import explain
from tests.receivers import HttpReceiver, SmtpReceiver
from worker.app import build_app
from worker.cli.main import app
from worker.settings import Settings


@pytest.fixture(params=[0, 1, 128], ids="siblings={}".format)
def siblings(request, monkeypatch):
    """How many other products each T2 of the test may take along."""
    monkeypatch.setattr(interleave, "MAX_SIBLINGS", request.param)
    return request.param


@pytest.fixture(name="app")
def worker_app(database_url):
    """A worker's app, whose tasks are called without a queue."""
    settings = Settings(database_url=database_url, worker_id="worker-1")
    with ConnectionPool(database_url, min_size=1, max_size=2, open=True) as pool:
        yield build_app(settings, pool=pool)


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


# delivery -----------------------------------------------------------------------------------------


@pytest.fixture
def receive():
    """Starts receivers and stops them."""
    opened = []

    def start(kind, *answers, **more):
        opened.append(kind(*answers, **more))
        return opened[-1]

    yield start
    for one in opened:
        one.close()


@pytest.fixture
def pool(database_url):
    with pool_of(database_url) as pool:
        yield pool


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def posted(conn, receive, pool, clock):
    """A critical alert on its way to a webhook that answers so; then one attempt."""

    def post(*answers, timeout_s=5.0):
        receiver = receive(HttpReceiver, *answers)
        add_route(conn, address=receiver.address())
        add_message(conn, add_alert(conn))
        dispatch(conn)
        who = desk(channels(timeout_s=timeout_s), clock)
        assert deliver_all(pool, who) == 1
        return receiver, who

    return post


@pytest.fixture
def mailed(conn, receive, pool, clock):
    """The same by mail."""

    def mail(*answers, url_login="", timeout_s=5.0, **more):
        receiver = receive(SmtpReceiver, *answers, **more)
        add_route(conn, address="mailto:ann@example.com")
        add_message(conn, add_alert(conn))
        dispatch(conn)
        who = desk(channels(smtp_url=receiver.url(url_login), timeout_s=timeout_s), clock)
        assert deliver_all(pool, who) == 1
        return receiver, who

    return mail


# dashboard ---------------------------------------------------------------------------------------


@pytest.fixture
def api(database_url):
    """The dashboard backend on the test's database."""
    with serving(database_url) as server:
        yield server


@pytest.fixture
def client(api):
    """A program without a token, on the same machine."""
    with api.client() as one:
        yield one


WRITTEN = (
    "notification_bodies", "worker_notifications", "worker_failures", "competitive_history",
    "current_state", "products", "alert_queues", "alert_events", "alerts", "procrastinate_events",
    "procrastinate_jobs", "procrastinate_workers", "worker_heartbeats", "api_tokens", "api_requests",
)  # fmt: skip
"""What the tests of a module that share a database write; the referring ones first."""


@pytest.fixture(scope="module")
def module_api(module_database_url):
    """A dashboard backend for the tests of a module that ask for `emptied` each."""
    with serving(module_database_url) as server:
        yield server


@pytest.fixture
def emptied(module_database_url):
    """The module's database with nothing of earlier tests in it: quicker than one of its own."""
    with connect(module_database_url) as conn:
        for table in WRITTEN:  # a TRUNCATE of every partition takes longer
            conn.execute(f"DELETE FROM {table}")
    return module_database_url
