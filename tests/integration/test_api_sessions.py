"""The page's sessions, and the command that makes tokens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from typer.testing import CliRunner

from api.auth import LOCAL
from db.tokens import (
    any_token_made,
    create_token,
    forget_sessions,
    read_living_tokens,
    revoke_tokens,
)
from tests.dashboard import kind
from tests.interleave import column
from worker.alerts.steps import CLOCK, DATA, DELIVERY
from worker.cli.main import app as cli

ACKNOWLEDGE = "/api/notifications/acknowledge"
ACT = {"action": "acknowledge", "ids": [1]}


def now():
    return datetime.now(UTC)


@pytest.fixture
def database_url(emptied):
    return emptied


@pytest.fixture
def api(module_api, emptied):
    return module_api


@pytest.fixture
def operator(conn):
    return create_token(conn, name="olaf", role="operator", now=now())


class TestSessions:
    @pytest.fixture
    def page(self, api, operator):
        """A browser that has logged in."""
        with api.client() as client:
            answer = client.post("/api/session", json={"token": operator})
            assert answer.status_code == 200, answer.text
            client.csrf = answer.json()["csrf_token"]
            client.cookie_line = answer.headers["set-cookie"]
            yield client

    def test_the_cookie_is_out_of_the_reach_of_scripts_and_other_sites(self, page, operator):
        line = page.cookie_line.lower()
        assert "httponly" in line
        assert "samesite=strict" in line
        assert operator not in page.cookie_line

    def test_behind_https_it_is_sent_over_nothing_else(self, api, operator):
        with api.client() as client:
            answer = client.post(
                "/api/session", json={"token": operator}, headers={"X-Forwarded-Proto": "https"}
            )
        assert "secure" in answer.headers["set-cookie"].lower()
        assert "max-age" in answer.headers["strict-transport-security"]

    def test_the_page_looks_with_it_and_acts_with_the_csrf_token(self, page):
        assert page.get("/api/session").json()["csrf_token"] == page.csrf
        assert kind(page.post(ACKNOWLEDGE, json=ACT)) == (403, "csrf")
        wrong = page.post(ACKNOWLEDGE, json=ACT, headers={"X-CSRF-Token": "0" * 64})
        assert kind(wrong) == (403, "csrf")
        right = page.post(ACKNOWLEDGE, json={"action": "x"}, headers={"X-CSRF-Token": page.csrf})
        assert kind(right) == (422, "invalid-request")

    def test_it_is_good_behind_a_proxy_that_asks_for_a_password_too(self, page):
        basic = {"Authorization": "Basic dXNlcjpwYXNz"}
        assert page.get("/api/session", headers=basic).json()["name"] == "olaf"
        assert kind(page.post(ACKNOWLEDGE, json=ACT, headers=basic)) == (403, "csrf")

    def test_logging_out_ends_it(self, page):
        kept = page.cookies["buybox_session"]
        assert kind(page.delete("/api/session")) == (403, "csrf")
        assert page.delete("/api/session", headers={"X-CSRF-Token": page.csrf}).status_code == 204
        page.cookies.set("buybox_session", kept)
        assert page.get("/api/session").status_code == 401

    def test_it_ends_with_its_token_and_at_its_time(self, page, conn):
        (hours,) = column(
            conn,
            "SELECT extract(epoch FROM expires_at - created_at)::float / 3600 FROM api_tokens"
            " WHERE issued_from IS NOT NULL",
        )
        assert hours == pytest.approx(12)
        revoke_tokens(conn, name="olaf", now=now())
        assert page.get("/api/session").status_code == 401

    @pytest.mark.parametrize(("token_has", "session_has"), [(90 * 24, 12), (1, 1)])
    def test_it_lasts_no_longer_than_it_may_nor_than_its_token(
        self, api, conn, token_has, session_has
    ):
        end = now() + timedelta(hours=token_has)
        token = create_token(conn, name="eva", role="viewer", now=now(), expires_at=end)
        with api.client() as client:
            ends = client.post("/api/session", json={"token": token}).json()["expires_at"]
        lasts = datetime.fromisoformat(ends) - now()
        assert lasts.total_seconds() / 3600 == pytest.approx(session_has, abs=0.1)

    def test_a_program_that_logs_out_keeps_its_token(self, api, operator):
        with api.client(operator) as client:
            assert client.delete("/api/session").status_code == 204
            assert client.get("/api/session").status_code == 200

    @pytest.mark.parametrize("end", ["revoked_at", "expires_at"])
    def test_an_end_that_comes_to_its_token_is_its_own(self, page, conn, end):
        """For requests and for the streams that are open, whenever the token's end was set."""
        (session,) = column(conn, "SELECT id FROM api_tokens WHERE issued_from IS NOT NULL")
        assert page.get("/api/session").status_code == 200
        assert read_living_tokens(conn, [session], now=now()) == {session}
        conn.execute(f"UPDATE api_tokens SET {end} = now() WHERE issued_from IS NULL")
        assert page.get("/api/session").status_code == 401
        assert read_living_tokens(conn, [session], now=now()) == set()

    def test_a_session_is_no_token_and_a_token_no_session(self, api, page, operator):
        with api.client(page.cookies["buybox_session"]) as client:
            assert client.get("/api/state").status_code == 401
        with api.client() as client:
            client.cookies.set("buybox_session", operator)
            assert client.get("/api/state").status_code == 401

    def test_a_wrong_token_does_not_log_in(self, api, operator):
        with api.client() as client:
            assert kind(client.post("/api/session", json={"token": "bbx_no"})) == (
                401, "no-such-token",
            )  # fmt: skip


def test_an_old_token_is_remembered_when_its_sessions_are_forgotten(conn):
    """It names who acted, and that one was made is what closes the open door of loopback."""
    then = now() - timedelta(days=30)
    create_token(conn, name="olaf", role="operator", now=then, expires_at=then + timedelta(days=1))
    (token,) = column(conn, "SELECT id FROM api_tokens")
    for days in (1, 29):
        end = then + timedelta(days=days)
        create_token(
            conn, name="olaf", role="operator", now=then, expires_at=end, issued_from=token
        )
    assert forget_sessions(conn, now=now()) == 1
    assert column(conn, "SELECT issued_from IS NULL FROM api_tokens ORDER BY id") == [True, False]
    assert any_token_made(conn)


class TestTheCommand:
    @pytest.fixture
    def tokens(self, database_url, monkeypatch):
        monkeypatch.setenv("DATABASE_URL", database_url)

        def run(*arguments):
            return CliRunner().invoke(cli, ["tokens", *arguments])

        return run

    def test_a_token_that_is_made_works_and_is_shown_once(self, tokens, api):
        made = tokens("create", "alice", "--role", "operator", "--days", "90")
        assert made.exit_code == 0, made.output
        secret = made.stdout.strip()
        with api.client(secret) as client:
            session = client.get("/api/session").json()
        assert (session["name"], session["role"]) == ("alice", "operator")
        listed = tokens("list")
        assert "alice" in listed.stdout
        assert secret not in listed.stdout

    def test_a_revoked_one_no_longer_does(self, tokens, api):
        secret = tokens("create", "alice").stdout.strip()
        assert tokens("revoke", "alice").exit_code == 0
        assert httpx.get(
            f"{api.url}/api/state", headers={"Authorization": f"Bearer {secret}"}
        ).status_code == 401  # fmt: skip
        again = tokens("revoke", "alice")
        assert (again.exit_code, "no token that could be ended" in again.stderr) == (1, True)

    def test_one_whose_time_is_over_is_listed_as_expired(self, tokens, conn):
        tokens("create", "alice", "--days", "1")
        assert "expired" not in tokens("list").stdout
        conn.execute(
            "UPDATE api_tokens SET created_at = now() - interval '2 days', expires_at = now()"
        )
        assert "expired" in tokens("list").stdout

    def test_mistakes_are_sentences(self, tokens):
        tokens("create", "alice")
        twice = tokens("create", "alice")
        assert (twice.exit_code, "has a token already" in twice.stderr) == (1, True)
        odd = tokens("create", "<alice>")
        assert (odd.exit_code, "is no name" in odd.stderr) == (1, True)
        assert tokens("create", "bob", "--role", "admin").exit_code == 2

    @pytest.mark.parametrize("name", [LOCAL, CLOCK, DATA, DELIVERY, "Clock", "local "])
    def test_no_token_acts_in_the_name_of_who_acts_by_itself(self, tokens, conn, name):
        """In an alert's trail a person of that name could not be told from it."""
        refused = tokens("create", name, "--role", "operator")
        assert (refused.exit_code, "take another name" in refused.stderr) == (1, True)
        assert column(conn, "SELECT name FROM api_tokens") == []

    def test_without_any_it_says_what_that_means(self, tokens):
        assert "open on loopback" in tokens("list").stdout
