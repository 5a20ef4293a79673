"""Deliveries to a real HTTP receiver: what arrives, what is retried, what is told."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime

import pytest
from cryptography.fernet import Fernet

from tests.delivery import (
    FACTS,
    HOUR,
    NOW,
    OUTCOME,
    SECOND,
    add_alert,
    add_message,
    add_route,
    again_at,
    channels,
    deliver_all,
    deliveries,
    delivery_jobs,
    desk,
    dispatch,
    statuses,
    trouble,
)
from tests.factories import GB
from tests.interleave import Ear, column
from tests.receivers import DROP, HANG, HttpReceiver
from worker.delivery.channels import webhook
from worker.delivery.secrets import Vault

# all is well --------------------------------------------------------------------------------------


def test_a_webhook_gets_the_alert_once_with_its_facts(conn, posted, pool):
    receiver, who = posted(200)
    assert deliver_all(pool, who) == 0
    (post,) = receiver.posts
    (number,) = deliveries(conn, "id")
    assert post.headers["idempotency-key"] == post.body["id"] == f"buybox-delivery-{number}"
    assert post.body["title"] == "[CRITICAL] new: UK B0ALERTS01, price"
    assert post.body["alerts"][0]["facts"] == FACTS
    assert deliveries(conn, *OUTCOME, "delivered_at") == [("delivered", 1, None, NOW)]
    assert "ops" not in column(conn, "SELECT reason FROM alert_events"), (
        "the dashboard had it first"
    )
    assert trouble(conn) is None


def test_the_first_receiver_starts_the_time_after_which_nobody_follows_an_alert(
    conn, receive, pool, clock, open_connection
):
    receiver = receive(HttpReceiver)
    add_route(conn, address=receiver.address(), reaches=["digest"])
    alert = add_alert(conn, severity="warning")
    add_message(conn, alert, "digest")
    dispatch(conn)
    clock.pass_by(SECOND)
    ear = Ear(open_connection, "buybox_alerts")
    deliver_all(pool, desk(channels(), clock))
    (bell,) = ear.heard()
    assert json.loads(bell.payload)["changed"] == [[f"{GB}:B0ALERTS01", "warning"]]
    row = conn.execute("SELECT attention, delivered_at, timeout_from FROM alerts").fetchone()
    assert row == ("delivered", NOW + SECOND, NOW + SECOND)
    assert column(conn, "SELECT reason FROM alert_events") == ["ops took the message"]
    assert statuses(conn) == ["delivered"]


def test_no_proxy_of_the_environment_gets_what_goes_to_a_receiver(posted, monkeypatch):
    """The address that was checked is the one connected to; a proxy would choose another."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    receiver, _ = posted(200)
    assert len(receiver.posts) == 1


# the receiver is away -----------------------------------------------------------------------------


def test_a_receiver_that_is_down_for_a_while_gets_it_when_it_is_back(conn, receive, pool, clock):
    receiver = receive(HttpReceiver)
    port = receiver.port
    receiver.close()
    add_route(conn, address=f"json://127.0.0.1:{port}/hook")
    add_message(conn, add_alert(conn))
    dispatch(conn)
    who = desk(channels(), clock)
    for attempt in (1, 2, 3):
        assert deliver_all(pool, who) == 1
        assert deliveries(conn, *OUTCOME) == [("queued", attempt, "transient")]
        wait = again_at(conn) - clock.now
        assert 5 * 2 ** (attempt - 1) <= wait.total_seconds() <= 10 * 2 ** (attempt - 1)
        assert delivery_jobs(conn)[-1] == ("deliver_alert", again_at(conn))
        assert deliver_all(pool, who) == 0, "not before its time"
        clock.now = again_at(conn)
    back = receive(HttpReceiver, port=port)
    deliver_all(pool, who)
    assert len(back.posts) == 1
    assert deliveries(conn, *OUTCOME) == [("delivered", 4, None)]


def test_a_receiver_with_several_addresses_is_reached_by_the_one_that_answers(
    conn, receive, pool, clock, monkeypatch
):
    receiver = receive(HttpReceiver)
    monkeypatch.setattr(webhook, "addresses_of", lambda *_, **__: ["127.0.0.2", "127.0.0.1"])
    add_route(conn, address=receiver.address())
    add_message(conn, add_alert(conn))
    dispatch(conn)
    deliver_all(pool, desk(channels(), clock))
    assert deliveries(conn, *OUTCOME) == [("delivered", 1, None)]
    assert receiver.posts[0].headers["host"] == f"127.0.0.1:{receiver.port}"


def test_a_receiver_that_stays_away_is_given_up_and_the_operator_sees_it(conn, posted, pool, clock):
    receiver, who = posted(500)
    while deliveries(conn, "status") == ["queued"]:
        clock.now = again_at(conn)
        deliver_all(pool, who)
    assert deliveries(conn, *OUTCOME, "reason") == [
        ("failed", 8, "transient", "given up after 8 failed attempts")
    ]
    assert len(receiver.posts) == 8
    assert len({post.headers["idempotency-key"] for post in receiver.posts}) == 1


def test_a_message_that_only_the_failed_route_could_bring_has_failed(conn, receive, pool, clock):
    receiver = receive(HttpReceiver, 400)
    add_route(conn, address=receiver.address(), reaches=["digest"])
    alert = add_alert(conn, severity="warning")
    add_message(conn, alert, "digest")
    add_message(conn, alert, "batch")
    dispatch(conn)
    deliver_all(pool, desk(channels(), clock))
    assert statuses(conn) == ["failed", "delivered"]


# 429 and 401 --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "wait"),
    [
        ("120", 120 * SECOND),
        (format_datetime(NOW + 90 * SECOND), 90 * SECOND),
        ("86400", HOUR),
        ("soon", 60 * SECOND),
    ],
)
def test_a_receiver_that_is_asked_too_much_is_asked_again_when_it_says(
    conn, posted, pool, clock, asked, wait
):
    receiver, who = posted((429, {"Retry-After": asked}), 200)
    assert deliveries(conn, *OUTCOME) == [("queued", 1, "rate-limited")]
    assert wait <= again_at(conn) - NOW <= wait + SECOND
    clock.now = again_at(conn)
    deliver_all(pool, who)
    assert len(receiver.posts) == 2
    assert deliveries(conn, *OUTCOME) == [("delivered", 2, None)]


def test_the_waits_that_a_receiver_asks_for_are_no_failed_attempts(conn, posted, pool, clock):
    """Ten of them, and then as many failures as anybody may have."""
    receiver, who = posted(*[(429, {"Retry-After": "1"})] * 10, *[500] * 7, 200)
    while deliveries(conn, "status") == ["queued"]:
        clock.now = again_at(conn)
        deliver_all(pool, who)
    assert deliveries(conn, "status", "attempts", "failures") == [("delivered", 18, 7)]
    assert len(receiver.posts) == 18


def test_a_refused_password_is_tried_once_and_told_to_the_operator(conn, posted, pool, clock):
    receiver, who = posted(401, 200)
    clock.pass_by(HOUR)
    assert deliver_all(pool, who) == 0
    assert len(receiver.posts) == 1
    assert deliveries(conn, *OUTCOME) == [("failed", 1, "auth")]
    assert trouble(conn) == "2026-03-10 12:00 UTC, auth: HTTP 401 Unauthorized"
    add_message(conn, add_alert(conn, "B0ALERTS02"), at=clock.now)
    dispatch(conn, clock.now)
    deliver_all(pool, who)
    assert trouble(conn) is None, "the next message went through"


def test_trouble_is_noted_at_the_route_that_has_it(conn, receive, pool, clock):
    for name, answer in (("well", 200), ("locked", 401)):
        add_route(conn, name, receive(HttpReceiver, answer).address())
    add_message(conn, add_alert(conn))
    dispatch(conn)
    deliver_all(pool, desk(channels(), clock))
    found = conn.execute("SELECT name FROM alert_routes WHERE trouble LIKE '%401%'").fetchall()
    assert found == [("locked",)]
    assert column(conn, "SELECT trouble FROM alert_routes WHERE name = 'well'") == [None]


def test_what_one_worker_cannot_read_is_told_at_the_route_and_another_delivers(
    conn, receive, pool, clock
):
    receiver = receive(HttpReceiver)
    add_route(conn, address=receiver.address())
    add_message(conn, add_alert(conn))
    dispatch(conn)
    another_key = replace(desk(channels(), clock), vault=Vault(Fernet.generate_key().decode()))
    assert deliver_all(pool, another_key) == 1
    assert deliveries(conn, *OUTCOME) == [("queued", 1, "unreadable")]
    assert "SECRET_KEY" in trouble(conn)
    clock.now = again_at(conn)
    deliver_all(pool, desk(channels(), clock))
    assert deliveries(conn, *OUTCOME) == [("delivered", 2, None)]
    assert trouble(conn) is None


def test_a_redirect_is_not_followed(conn, posted):
    receiver, _ = posted((302, {"Location": "http://127.0.0.1:1/elsewhere"}))
    assert deliveries(conn, *OUTCOME) == [("failed", 1, "refused")]
    assert len(receiver.posts) == 1


# hanging, and dying after acceptance --------------------------------------------------------------


def test_a_receiver_that_hangs_is_left_and_tried_again(conn, posted, pool, clock):
    receiver, who = posted(HANG, 200, timeout_s=1.5)
    assert deliveries(conn, *OUTCOME) == [("queued", 1, "cut-off")]
    clock.now = again_at(conn)
    deliver_all(pool, who)
    assert deliveries(conn, *OUTCOME) == [("delivered", 2, None)]
    assert len(receiver.posts) == 2


def test_a_receiver_that_dies_after_it_read_the_message_gets_it_again_and_can_tell(
    conn, posted, pool, clock
):
    receiver, who = posted(DROP, 200)
    assert deliveries(conn, *OUTCOME) == [("queued", 1, "cut-off")]
    clock.now = again_at(conn)
    deliver_all(pool, who)
    first, second = receiver.posts
    assert first.body == second.body
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]


# what is not told any more ------------------------------------------------------------------------


def test_of_a_list_those_are_left_out_that_somebody_has_taken_on_meanwhile(
    conn, receive, pool, clock
):
    receiver = receive(HttpReceiver)
    add_route(conn, address=receiver.address())
    for n in range(3):
        add_message(conn, add_alert(conn, f"B0LIST000{n}", "warning"), "batch")
    dispatch(conn)
    conn.execute(
        "UPDATE alerts SET attention = 'reviewing', acknowledged_by = 'ann', acknowledged_at = %s"
        " WHERE asin = 'B0LIST0001'",
        (NOW + SECOND,),
    )
    deliver_all(pool, desk(channels(), clock))
    (post,) = receiver.posts
    assert [one["asin"] for one in post.body["alerts"]] == ["B0LIST0000", "B0LIST0002"]


def test_a_delivery_with_nothing_worth_telling_is_cancelled_not_sent(conn, receive, pool, clock):
    receiver = receive(HttpReceiver)
    add_route(conn, address=receiver.address(), reaches=["digest"])
    alert = add_alert(conn)
    add_message(conn, alert, "digest")
    dispatch(conn)
    conn.execute("UPDATE alerts SET snoozed_by = 'ann', snooze_until = %s", (NOW + HOUR,))
    deliver_all(pool, desk(channels(), clock))
    assert (receiver.posts, deliveries(conn, "status")) == ([], ["cancelled"])
    assert statuses(conn) == ["suppressed"]
    assert column(conn, "SELECT reason FROM alert_queues") == [
        "a test; to ops; the alert was snoozed meanwhile"
    ]


def test_a_cancelled_delivery_is_not_sent(conn, receive, pool, clock):
    receiver = receive(HttpReceiver)
    add_route(conn, address=receiver.address())
    add_message(conn, add_alert(conn))
    dispatch(conn)
    conn.execute("UPDATE alert_deliveries SET status = 'cancelled' WHERE channel <> 'dashboard'")
    assert deliver_all(pool, desk(channels(), clock)) == 0
    assert receiver.posts == []


def test_a_delivery_that_gets_too_old_while_the_receiver_asks_for_time_is_given_up(
    conn, posted, pool, clock
):
    _, who = posted((429, {"Retry-After": "3000"}))
    while deliveries(conn, "status") == ["queued"]:
        clock.now = again_at(conn)
        deliver_all(pool, who)
    assert timedelta(hours=11) < clock.now - NOW <= timedelta(hours=12)
