"""What people do with alerts through the API: by the SQL functions, once a key, in their own name."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from db.feed import read_position
from db.tokens import create_token
from tests.dashboard import serving, streaming, write_alert
from tests.interleave import Background, begin, column, until_blocked

PATH = "/api/notifications/acknowledge"
WRONG = [
    {"action": "delete", "ids": [1]},
    {"action": "acknowledge", "ids": []},
    {"action": "acknowledge"},
    {"action": "acknowledge", "ids": [0]},
    {"action": "acknowledge", "ids": [2**63]},
    {"action": "acknowledge", "ids": list(range(1, 300))},
    {"action": "resolve", "ids": [1], "note": "it would be lost"},
    {"action": "snooze", "ids": [1], "snooze_minutes": 0},
    {"action": "snooze", "ids": [1], "snooze_minutes": 10**9},
    {"action": "note", "ids": [1], "note": "a\0b"},
    {"action": "note", "ids": [1], "note": "x" * 2001},
    {"action": "acknowledge", "ids": [1], "when": "now"},
    [],
    "text",
]


@pytest.fixture
def database_url(emptied):
    return emptied


@pytest.fixture
def api(module_api, emptied):
    return module_api


def acted(client, action, *ids, key=None, **more):
    """The results, as (id, done), and the whole answers."""
    headers = {"Idempotency-Key": key} if key else {}
    answer = client.post(PATH, json={"action": action, "ids": ids, **more}, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["results"]


def phase(conn, alert_id):
    return conn.execute(
        "SELECT attention, acknowledged_by, note, snooze_until > now() AS sleeps, assignee"
        " FROM alerts WHERE id = %s",
        (alert_id,),
    ).fetchone()


def trail(conn, alert_id):
    return column(conn, "SELECT who FROM alert_events WHERE alert_id = %s ORDER BY id", alert_id)


class TestEachAction:
    def test_acknowledge_with_a_note_and_take_it_back(self, client, conn):
        alert = write_alert(conn)
        (one,) = acted(client, "acknowledge", alert, note="Repricing")
        assert (one["id"], one["done"]) == (alert, True)
        assert one["message"]
        assert phase(conn, alert)[:3] == ("reviewing", "local", "Repricing")
        assert acted(client, "unacknowledge", alert)[0]["done"]
        assert phase(conn, alert)[1] is None

    def test_snooze_for_so_many_minutes(self, client, conn):
        alert = write_alert(conn)
        assert acted(client, "snooze", alert, snooze_minutes=30)[0]["done"]
        (minutes,) = column(
            conn, "SELECT extract(epoch FROM snooze_until - now()) / 60 FROM alerts"
        )
        assert 29 < minutes <= 30

    @pytest.mark.parametrize("wrong", [timedelta(hours=1), timedelta(hours=-1)])
    def test_a_snooze_lasts_as_long_when_the_dashboard_s_clock_is_wrong(
        self, client, conn, monkeypatch, wrong
    ):
        """It would be over before it began, or keep the alert from its clock for an hour."""

        class Off(datetime):
            @classmethod
            def now(cls, tz=None):
                return datetime.now(tz) + wrong

        monkeypatch.setattr("api.routes.alerts.datetime", Off)
        assert acted(client, "snooze", write_alert(conn), snooze_minutes=30)[0]["done"]
        (found,) = conn.execute(
            "SELECT extract(epoch FROM snooze_until - now()) / 60 BETWEEN 29 AND 30,"
            " abs(extract(epoch FROM due_at - now())) < 60 FROM alerts"
        ).fetchall()
        assert found == (True, True)

    def test_snooze_for_the_usual_while(self, client, conn):
        alert = write_alert(conn)
        assert acted(client, "snooze", alert)[0]["done"]
        assert phase(conn, alert)[3] is True

    def test_resolve_and_reopen(self, client, conn):
        alert = write_alert(conn)
        assert acted(client, "resolve", alert)[0]["done"]
        assert phase(conn, alert)[0] == "resolved"
        assert acted(client, "reopen", alert)[0]["done"]
        assert phase(conn, alert)[0] != "resolved"

    def test_assign_and_note(self, client, conn):
        alert = write_alert(conn)
        assert acted(client, "assign", alert, assignee="bob")[0]["done"]
        assert acted(client, "note", alert, note="<b>look</b>")[0]["done"]
        assert (phase(conn, alert)[4], phase(conn, alert)[2]) == ("bob", "<b>look</b>")

    def test_many_at_once_each_with_its_own_answer(self, client, conn):
        first, second = write_alert(conn, "B000000001"), write_alert(conn, "B000000002")
        results = acted(client, "acknowledge", second, 999_999, first, first)
        assert [(one["id"], one["done"]) for one in results] == [
            (first, True), (second, True), (999_999, False),
        ]  # fmt: skip
        assert results[2]["code"]
        assert results[2]["message"]

    def test_the_streams_hear_of_it(self, api, client, conn):
        alert = write_alert(conn)
        with streaming(api.url, since=read_position(conn)) as stream:
            stream.next("cursor")
            acted(client, "acknowledge", alert)
            assert stream.next("alert").data["attention"] == "reviewing"


def test_the_trail_names_who_acted(database_url, conn):
    alert = write_alert(conn)
    token = create_token(conn, name="alice@shop", role="operator", now=datetime.now(UTC))
    with serving(database_url) as api, api.client(token) as client:
        acted(client, "acknowledge", alert)
        acted(client, "snooze", alert)
    assert set(trail(conn, alert)) == {"alice@shop"}


@pytest.mark.parametrize("body", WRONG, ids=lambda b: str(b)[:50])
def test_what_is_not_understood_is_refused_whole(client, body):
    answer = client.post(PATH, json=body)
    assert (answer.status_code, answer.json()["type"]) == (422, "invalid-request")


def acknowledged_twice(api, conn, other, alert, *, key):
    """The answers to two requests of one key that wait for another session's lock together."""
    blocker = begin(other)
    blocker.execute("SELECT 1 FROM alerts WHERE id = %s FOR UPDATE", (alert,))

    def ask():
        with api.client() as client:
            return acted(client, "acknowledge", alert, key=key)

    both = [Background(ask) for _ in range(2)]
    until_blocked(conn, backends=2)
    blocker.rollback()
    return [one.result() for one in both]


class TestTheSameKeyAgain:
    def test_gives_the_same_answer_and_does_nothing(self, client, conn):
        alert = write_alert(conn)
        first = acted(client, "acknowledge", alert, key="k1")
        entries = len(trail(conn, alert))
        acted(client, "unacknowledge", alert)
        assert acted(client, "acknowledge", alert, key="k1") == first
        assert phase(conn, alert)[1] is None
        assert len(trail(conn, alert)) == entries + 1

    def test_with_another_request_is_refused(self, client, conn):
        alert = write_alert(conn)
        acted(client, "acknowledge", alert, key="k1")
        answer = client.post(
            PATH, json={"action": "resolve", "ids": [alert]}, headers={"Idempotency-Key": "k1"}
        )
        assert (answer.status_code, answer.json()["type"]) == (409, "key-reused")

    def test_from_another_person_is_another_key(self, database_url, conn):
        alert, now = write_alert(conn), datetime.now(UTC)
        tokens = [create_token(conn, name=n, role="operator", now=now) for n in ("a", "b")]
        with serving(database_url) as api:
            for number, token in enumerate(tokens):
                with api.client(token) as client:
                    acted(client, "note", alert, note=f"seen {number}", key="k1")
        assert trail(conn, alert) == ["a", "b"]

    def test_at_the_same_time_waits_and_gets_the_same_answer(self, api, conn, open_connection):
        alert = write_alert(conn)
        first, second = acknowledged_twice(api, conn, open_connection(), alert, key="k1")
        assert first == second
        assert len(trail(conn, alert)) == 1

    def test_a_failed_request_leaves_its_key_free(self, api, conn, open_connection):
        """Acts and the answer kept for the key commit together, or not at all."""
        alert, blocker = write_alert(conn), begin(open_connection())
        blocker.execute("SELECT 1 FROM alerts WHERE id = %s FOR UPDATE", (alert,))
        codes = []

        def ask():
            with api.client() as client:
                answer = client.post(
                    PATH,
                    json={"action": "acknowledge", "ids": [alert]},
                    headers={"Idempotency-Key": "k1"},
                )
                codes.append(answer.status_code)

        asking = Background(ask)
        until_blocked(conn)
        conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'buybox api' AND wait_event_type = 'Lock'"
        )
        asking.result()
        blocker.rollback()
        assert codes == [503]
        assert column(conn, "SELECT count(*) FROM api_requests") == [0]
        with api.client() as client:
            assert acted(client, "acknowledge", alert, key="k1")[0]["done"]

    def test_keys_are_forgotten_after_a_day(self, client, conn):
        alert = write_alert(conn)
        acted(client, "acknowledge", alert, key="old")
        conn.execute("UPDATE api_requests SET asked_at = asked_at - interval '23 hours'")
        acted(client, "note", alert, note="w", key="newer")
        assert column(conn, "SELECT key FROM api_requests ORDER BY asked_at") == ["old", "newer"]
        conn.execute("UPDATE api_requests SET asked_at = asked_at - interval '25 hours'")
        acted(client, "note", alert, note="x", key="new")
        assert column(conn, "SELECT key FROM api_requests") == ["new"]

    @pytest.mark.parametrize("body", [{"note": "first"}, {"note": "another"}], ids=str)
    def test_after_a_day_begins_anew(self, client, conn, body):
        alert = write_alert(conn)
        acted(client, "note", alert, note="first", key="daily")
        acted(client, "note", alert, note="meanwhile")
        conn.execute("UPDATE api_requests SET asked_at = asked_at - interval '25 hours'")
        done = acted(client, "note", alert, key="daily", **body)
        assert phase(conn, alert)[2] == body["note"]
        assert acted(client, "note", alert, key="daily", **body) == done

    def test_after_a_day_at_the_same_time_acts_once(self, api, conn, open_connection):
        alert = write_alert(conn)
        with api.client() as client:
            acted(client, "acknowledge", alert, key="daily")
            acted(client, "unacknowledge", alert)
        conn.execute("UPDATE api_requests SET asked_at = asked_at - interval '25 hours'")
        entries = len(trail(conn, alert))
        first, second = acknowledged_twice(api, conn, open_connection(), alert, key="daily")
        assert first == second
        assert len(trail(conn, alert)) == entries + 1


class TestALockThatIsHeld:
    """The database is there: who is told that it cannot be reached looks in the wrong place."""

    def test_ends_an_act_with_what_is_so(self, client, conn, open_connection):
        alert, holder = write_alert(conn), begin(open_connection())
        holder.execute("SELECT 1 FROM alerts WHERE id = %s FOR UPDATE", (alert,))
        acting = Background(client.post, PATH, json={"action": "resolve", "ids": [alert]})
        acting.until_blocked(conn)
        conn.execute(  # as the statement timeout would
            "SELECT pg_cancel_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'buybox api' AND wait_event_type = 'Lock'"
        )
        answer = acting.result()
        assert (answer.status_code, answer.json()["type"]) == (503, "database-busy")
        assert "nothing was changed" in answer.json()["detail"]
        assert phase(conn, alert)[0] == "new"

    def test_holds_up_others_who_are_told_that_it_is_busy(
        self, database_url, conn, open_connection, monkeypatch
    ):
        monkeypatch.setattr("api.app.POOL_WAIT_S", 0.3)
        alert, holder = write_alert(conn), begin(open_connection())
        holder.execute("SELECT 1 FROM alerts WHERE id = %s FOR UPDATE", (alert,))
        with serving(database_url, api_pool_size=1) as api, api.client() as client:
            acting = Background(client.post, PATH, json={"action": "resolve", "ids": [alert]})
            acting.until_blocked(conn)
            answer = client.get("/api/state")
            holder.rollback()
            assert acting.result().status_code == 200
        assert (answer.status_code, answer.json()["type"]) == (503, "database-busy")
        assert answer.headers["retry-after"] == "3"


def test_two_people_with_the_same_list_never_deadlock(api, conn):
    ids = [write_alert(conn, f"B{n:09d}") for n in range(20)]
    start = threading.Barrier(6)

    def ask(order):
        with api.client() as client:
            start.wait(20)
            return [acted(client, "note", *order, note=str(n)) for n in range(5)]

    everybody = [Background(ask, ids if n % 2 else ids[::-1]) for n in range(6)]
    for one in everybody:
        for results in one.result():
            assert {result["code"] for result in results} <= {"noted", "unchanged"}
