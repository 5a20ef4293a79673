"""Who may do what: tokens, sessions, roles, origins, limits; and loopback before the first token."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from db.connect import connect
from db.tokens import create_token, find_token, list_tokens, revoke_tokens
from tests.dashboard import kind, serving, write_alert
from tests.interleave import PATIENCE_S

READS = (
    "/api/state",
    "/api/state/M/A",
    "/api/notifications/prioritized",
    "/api/notifications/stream",
    "/api/worker-status",
    "/api/competitive-intelligence/trends/A",
    "/api/session",
    "/metrics",
)
ACKNOWLEDGE = "/api/notifications/acknowledge"
ACT = {"action": "acknowledge", "ids": [1]}


def now():
    return datetime.now(UTC)


@pytest.fixture
def viewer(conn):
    return create_token(conn, name="vera", role="viewer", now=now())


@pytest.fixture
def operator(conn):
    return create_token(conn, name="olaf", role="operator", now=now())


@pytest.fixture(scope="module")
def held(module_database_url):
    """A server and a token of each role, for tests that leave them as they are."""
    with connect(module_database_url, autocommit=True) as conn:
        tokens = {
            role: create_token(conn, name=role, role=role, now=now())
            for role in ("viewer", "operator")
        }
    with serving(module_database_url) as server:
        yield server, tokens


class TestTokens:
    @pytest.mark.parametrize("path", READS)
    def test_without_a_token_nothing_is_answered(self, held, path):
        with held[0].client() as client:
            answer = client.get(path)
        assert kind(answer) == (401, "no-token")
        assert answer.headers["www-authenticate"] == "Bearer"

    @pytest.mark.parametrize("header", ["Bearer bbx_wrong", "Basic dXNlcjpwYXNz", "Bearer", "x"])
    def test_a_wrong_one_is_none(self, held, header):
        with held[0].client() as client:
            answer = client.get("/api/state", headers={"Authorization": header})
            assert kind(answer) == (401, "no-token")

    def test_a_viewer_looks_and_does_not_act(self, held):
        api, tokens = held
        with api.client(tokens["viewer"]) as client:
            assert client.get("/api/state").status_code == 200
            assert kind(client.post(ACKNOWLEDGE, json=ACT)) == (403, "not-an-operator")

    def test_health_needs_none(self, held):
        with held[0].client() as client:
            for path in ("/api/health", "/api/health/live", "/api/health/ready"):
                assert client.get(path).status_code == 200

    def test_one_that_is_revoked_or_over_is_no_longer_good(self, api, conn, viewer):
        ended = create_token(
            conn, name="eva", role="viewer", now=now(), expires_at=now() - timedelta(seconds=1)
        )
        revoke_tokens(conn, name="vera", now=now())
        for token in (viewer, ended):
            with api.client(token) as client:
                assert client.get("/api/state").status_code == 401

    def test_only_their_hashes_are_stored(self, conn, viewer):
        (row,) = conn.execute("SELECT t::text FROM api_tokens AS t").fetchall()
        assert viewer not in row[0]
        assert viewer.removeprefix("bbx_") not in row[0]
        assert len(viewer) > 45

    def test_their_use_is_noted_once_a_minute(self, conn, viewer):
        at = now()
        for seconds in (0, 30, 61):
            assert find_token(conn, viewer, now=at + timedelta(seconds=seconds)).name == "vera"
        assert list_tokens(conn)[0].last_used_at == at + timedelta(seconds=61)

    def test_a_name_is_had_by_one_living_token(self, conn, viewer):
        with pytest.raises(psycopg.errors.UniqueViolation):
            create_token(conn, name="vera", role="operator", now=now())
        revoke_tokens(conn, name="vera", now=now())
        assert create_token(conn, name="vera", role="operator", now=now())


class TestTheFirstToken:
    def test_before_it_whoever_is_on_the_machine_may_act(self, api):
        with api.client() as client:
            assert client.get("/api/session").json() == {
                "name": "local", "role": "operator", "csrf_token": None, "expires_at": None,
            }  # fmt: skip

    def test_a_session_of_another_backend_on_the_machine_does_not_shut_them_out(self, api):
        """Browsers keep the cookies of a host for all of its ports."""
        with api.client(cookies={"buybox_session": "bbx_of_another_one"}) as client:
            assert client.get("/api/session").json()["name"] == "local"

    def test_it_closes_the_door_at_once_and_its_end_does_not_open_it(self, api, conn):
        with api.client() as client:
            assert client.get("/api/state").status_code == 200
            create_token(conn, name="vera", role="viewer", now=now())
            assert client.get("/api/state").status_code == 401
            revoke_tokens(conn, name="vera", now=now())
            assert client.get("/api/state").status_code == 401

    @pytest.mark.parametrize(
        "headers",
        [
            {"Host": "evil.example:8000"},
            {"Host": "localhost.evil.example"},
            {"X-Forwarded-For": "203.0.113.5"},
            {"Forwarded": "for=203.0.113.5"},
            {"X-Real-IP": "203.0.113.5"},
            {"X-Forwarded-Host": "dashboard.example"},
            {"X-Forwarded-Proto": "https"},
            {"Via": "1.1 proxy"},
            {"Authorization": "Basic dXNlcjpwYXNz"},
        ],
    )
    def test_a_name_that_leads_here_and_a_proxy_are_not_on_the_machine(self, api, headers):
        with api.client() as client:
            assert client.get("/api/state", headers=headers).status_code == 401

    def test_nor_is_a_proxy_that_says_nothing_of_itself(self, api):
        """nginx with proxy_pass alone: HTTP/1.0, our own address as the Host, no other header."""
        host, _, port = api.url.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as proxy:
            proxy.sendall(f"GET /api/state HTTP/1.0\r\nHost: {host}:{port}\r\n\r\n".encode())
            assert proxy.makefile("rb").readline().split()[1] == b"401"

    def test_who_shows_a_token_is_judged_by_that(self, api):
        with api.client("bbx_guess") as client:
            assert client.get("/api/state").status_code == 401

    @pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "[::1]:8000", "[::1]"])
    def test_the_machine_has_several_names(self, api, host):
        with api.client() as client:
            assert client.get("/api/state", headers={"Host": host}).status_code == 200

    def test_who_listens_for_others_too_lets_nobody_in_without_a_token(self, database_url):
        with serving(database_url, api_host="0.0.0.0") as api, api.client() as client:
            assert client.get("/api/state").status_code == 401


class TestOtherSites:
    @pytest.mark.parametrize(
        "headers",
        [
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Origin": ""},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
        ],
    )
    @pytest.mark.parametrize("path", ["/api/state", "/api/session", "/metrics"])
    def test_they_are_refused_whatever_they_carry(self, held, headers, path):
        api, tokens = held
        with api.client(tokens["operator"]) as client:
            for method in ("GET", "POST", "OPTIONS"):
                answer = client.request(method, path, headers=headers)
                assert kind(answer) == (403, "other-origin")
                assert "access-control-allow-origin" not in answer.headers

    def test_the_page_itself_is_not_another_site(self, held):
        api, tokens = held
        headers = {"Origin": api.url, "Sec-Fetch-Site": "same-origin"}
        with api.client(tokens["operator"]) as client:
            assert client.get("/api/state", headers=headers).status_code == 200

    def test_a_link_in_a_mail_leads_to_the_page(self, held):
        """A browser says that another site led there; the page itself holds nothing."""
        with held[0].client() as client:
            assert client.get("/", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200

    def test_one_that_was_allowed_may_read_with_a_token_and_without_cookies(
        self, database_url, operator
    ):
        origin = "https://dashboard.example"
        with (
            serving(database_url, api_allowed_origins=origin) as api,
            api.client(operator) as client,
        ):
            answer = client.get("/api/state", headers={"Origin": origin})
            assert answer.headers["access-control-allow-origin"] == origin
            assert "access-control-allow-credentials" not in answer.headers
            asked = {"Origin": origin, "Access-Control-Request-Method": "GET"}
            assert client.options("/api/state", headers=asked).status_code == 200
            other = client.get("/api/state", headers={"Origin": "https://evil.example"})
            assert other.status_code == 403


class TestHeadersAndLimits:
    @pytest.mark.parametrize("path", ["/", "/api/state", "/nowhere", "/api/health"])
    def test_every_answer_tells_the_browser_to_be_careful(self, held, path):
        with held[0].client() as client:
            headers = client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert "camera=()" in headers["permissions-policy"]
        if path.startswith("/api"):
            assert headers["cache-control"] == "no-store"
            assert headers["cross-origin-resource-policy"] == "same-origin"

    @pytest.mark.parametrize("chunked", [True, False])
    def test_a_large_body_is_refused(self, database_url, chunked):
        with serving(database_url, api_max_body_bytes=2000) as api, api.client() as client:
            body = b'{"action": "note", "ids": [1], "note": "' + b"x" * 3000 + b'"}'
            content = iter([body[:1500], body[1500:]]) if chunked else body
            answer = client.post(
                ACKNOWLEDGE, content=content, headers={"Content-Type": "application/json"}
            )
        assert kind(answer) == (413, "content-too-large")

    def test_one_token_cannot_use_up_the_server(self, database_url, viewer, operator):
        with serving(database_url, api_requests_per_minute=60) as api:
            with api.client(viewer) as client:
                answers = [client.get("/api/session") for _ in range(15)]
            assert answers[0].status_code == 200
            assert kind(answers[-1]) == (429, "too-many-requests")
            assert int(answers[-1].headers["retry-after"]) >= 1
            with api.client(operator) as other:
                assert other.get("/api/session").status_code == 200

    def test_guessing_tokens_is_slow(self, api, viewer):
        with api.client("bbx_guess") as client:
            answers = {client.get("/api/state").status_code for _ in range(40)}
        assert answers == {401, 429}

    def test_so_is_trying_to_log_in_with_them(self, api, viewer):
        with api.client() as client:
            guess = {"token": "bbx_guess"}
            answers = {client.post("/api/session", json=guess).status_code for _ in range(40)}
        assert answers == {401, 429}

    def test_who_guesses_slows_nobody_else(self, api, viewer):
        here, elsewhere = ({"X-Forwarded-For": f"203.0.113.{n}"} for n in (5, 6))
        guess, right = {"token": "bbx_guess"}, {"token": viewer}
        with api.client() as client:
            while client.post("/api/session", json=guess, headers=here).status_code == 401:
                pass
            assert client.get("/api/state", headers=here).status_code == 429
            assert client.get("/api/state", headers=elsewhere).status_code == 401
            assert client.post("/api/session", json=right, headers=elsewhere).status_code == 200

    def test_script_in_a_note_or_a_title_stays_text(self, api, conn):
        script = "<script>alert(1)</script>"
        write_alert(conn, "B000000001", note=script)
        conn.execute(
            "INSERT INTO products (seller_id, marketplace_id, asin, item_condition, "
            "fulfilment_channel, currency, title, updated_at) VALUES "
            "('S', 'A1F83G8C2ARO7P', 'B000000001', 'new', 'amazon', 'GBP', %s, now())",
            (script,),
        )
        with api.client() as client:
            answer = client.get("/api/notifications/prioritized")
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"
        (alert,) = answer.json()["alerts"]
        assert (alert["note"], alert["title"]) == (script, script)
