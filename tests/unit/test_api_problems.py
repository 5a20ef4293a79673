"""What a request is answered that is not answered as asked: a code, a sentence, when to ask again."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Annotated

import httpx
import psycopg
import pytest
from fastapi import FastAPI, Query
from psycopg_pool import PoolTimeout
from structlog.testing import capture_logs

from api import problems
from api.feed.hub import NotLiveError, TooManyStreamsError
from db.connect import MIGRATED


def answer_of(app: FastAPI, method: str, path: str) -> httpx.Response:
    """What the application answers, without a server."""

    async def ask():
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
            return await client.request(method, path)

    return asyncio.run(ask())


def met(error: Exception, *, live: bool = True) -> httpx.Response:
    """The answer of an endpoint that meets this error."""
    app = FastAPI()
    app.state.shared = SimpleNamespace(hub=SimpleNamespace(live=live))
    problems.install(app)

    @app.get("/")
    def meet():
        raise error

    return answer_of(app, "GET", "/")


def asked(method: str, path: str) -> httpx.Response:
    """The answer of an application with an endpoint, /chart, and one of two methods, /session."""
    app = FastAPI()
    problems.install(app)

    @app.get("/chart")
    def chart(points: Annotated[int, Query(ge=2)]) -> int:
        return points

    @app.post("/session")
    @app.delete("/session")
    def session() -> int:
        return 1

    return answer_of(app, method, path)


@pytest.mark.parametrize(
    ("error", "status", "code", "again_in_s"),
    [
        (TooManyStreamsError("token"), 429, "too-many-streams", "30"),
        (MIGRATED("cached plan must not change result type"), 503, "database-migrated", "1"),
        (psycopg.errors.QueryCanceled(), 503, "database-busy", "3"),
        (psycopg.errors.LockNotAvailable(), 503, "database-busy", "3"),
        (psycopg.errors.DeadlockDetected(), 503, "database-busy", "3"),
        (psycopg.OperationalError("connection refused"), 503, "database-away", "3"),
        (NotLiveError(), 503, "database-away", "3"),
    ],
    ids=lambda given: type(given).__name__ if isinstance(given, Exception) else str(given),
)
def test_what_may_pass_has_a_code_and_says_when_to_ask_again(error, status, code, again_in_s):
    answer = met(error)
    assert (answer.status_code, answer.json()["type"]) == (status, code)
    assert answer.headers["retry-after"] == again_in_s
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(("live", "code"), [(True, "database-busy"), (False, "database-away")])
def test_who_got_no_connection_is_told_whether_there_is_a_database(live, code):
    """The hub's own connections stand only while there is one."""
    answer = met(PoolTimeout("couldn't get a connection after 5.00 sec"), live=live)
    assert (answer.status_code, answer.json()["type"]) == (503, code)


def test_a_defect_of_ours_says_nothing_of_itself():
    answer = met(RuntimeError("postgresql://me:secret@host/db"))
    assert (answer.status_code, answer.json()["type"]) == (500, "internal")
    assert "secret" not in answer.text


def test_what_is_wrong_with_a_request_is_said_field_by_field():
    answer = asked("GET", "/chart?points=1")
    told = answer.json()
    (wrong,) = told.pop("errors")
    assert wrong["where"] == "query.points"
    assert "greater than or equal to 2" in wrong["message"]
    assert told == {
        "type": "invalid-request", "title": "Unprocessable Content", "status": 422,
        "detail": "The request is not as documented.",
    }  # fmt: skip


def test_what_the_framework_refuses_keeps_its_headers():
    answer = asked("POST", "/chart")
    assert (answer.status_code, answer.json()["type"]) == (405, "method-not-allowed")
    assert answer.headers["allow"] == "GET"
    assert "errors" not in answer.json()


def test_a_method_that_there_is_not_is_told_all_there_are():
    assert asked("PUT", "/session").headers["allow"] == "DELETE, POST"


@pytest.mark.parametrize(
    ("status", "name"),
    [(404, "Not Found"), (413, "Content Too Large"), (422, "Unprocessable Content")],
)
def test_a_status_has_the_name_of_the_standard_whatever_the_python(status, name):
    assert problems.responses(status)[status]["description"] == name


def test_the_log_says_why_a_stream_was_refused_before_the_feed_was_read():
    with capture_logs() as lines:
        met(NotLiveError())
    assert [(line["event"], line["error"]) for line in lines] == [
        ("database_away", "the feed has not been read yet since the start")
    ]
