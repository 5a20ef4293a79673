"""Deliveries by a real SMTP server: what arrives, what is retried, what is told."""

from __future__ import annotations

import pytest

from db.delivery import read_healed
from tests.delivery import (
    DE,
    HOUR,
    MINUTE,
    NOW,
    OUTCOME,
    Cabinet,
    add_alert,
    add_message,
    add_route,
    again_at,
    channels,
    deliver_all,
    deliveries,
    desk,
    dispatch,
    statuses,
    trouble,
)
from tests.interleave import column
from tests.receivers import DROP, HANG, SmtpReceiver
from worker.delivery.outcome import Accepted, Failure

AWAY = Failure("transient", "HTTP 500")


def test_a_mail_arrives_once_in_plain_and_html(conn, mailed):
    receiver, _ = mailed()
    (mail,) = receiver.mails
    (number,) = deliveries(conn, "id")
    assert receiver.envelopes == [("alerts@example.com", ["ann@example.com"])]
    assert mail["Subject"] == "[CRITICAL] new: UK B0ALERTS01, price"
    assert mail["Message-ID"] == f"<buybox-delivery-{number}@example.com>"
    assert mail["List-Unsubscribe"] == "<mailto:alerts@example.com?subject=unsubscribe%20ops>"
    assert "your price 10.99 GBP" in mail.get_body(("plain",)).get_content()
    assert "<strong>" in mail.get_body(("html",)).get_content()
    assert deliveries(conn, *OUTCOME, "message_id") == [("delivered", 1, None, mail["Message-ID"])]


def test_a_digest_groups_by_product_and_tells_what_healed_unseen(conn, receive, pool, clock):
    receiver = receive(SmtpReceiver)
    add_route(conn, address="mailto:ann@example.com", reaches=["digest"])
    for n in range(2):
        alert = add_alert(conn, f"B0DIGEST0{n}", "warning")
        add_message(conn, alert, "digest")
        add_message(conn, alert, "digest", tell="repeated")
    add_alert(
        conn, "B0HEALED01", "high", at=NOW - 5 * HOUR, attention="resolved", condition="cleared",
        resolution="cleared", resolved_at=NOW - 2 * HOUR, resolved_by="data",
        profit_at_stake_per_day=80, currency="GBP",
    )  # fmt: skip
    dispatch(conn)
    assert deliver_all(pool, desk(channels(smtp_url=receiver.url()), clock)) == 1
    (mail,) = receiver.mails
    assert mail["Subject"] == "Daily digest: 2 products, 1 healed before anyone looked"
    text = mail.get_body(("plain",)).get_content()
    assert text.count("== UK B0DIGEST0") == 2
    healed = text.split("== Healed before anyone looked ==")[1]
    assert "B0HEALED01" in healed
    assert "about 10.00 GBP were at stake" in healed


@pytest.mark.parametrize(
    ("filters", "told"),
    [
        ({}, True),
        ({"severities": ["high"]}, True),
        ({"severities": ["warning", "clear"]}, True),
        ({"severities": ["warning"]}, False),
        ({"marketplaces": [DE]}, False),
        ({"asins": ["B0OTHER001"]}, False),
        ({"tags": ["shoes"]}, False),
    ],
)
def test_a_digest_tells_of_what_healed_within_the_route_s_filter_only(conn, filters, told):
    add_route(conn, **filters)
    end = {"condition": "cleared", "resolution": "cleared", "resolved_by": "data"}
    add_alert(conn, "B0HEALED01", "high", attention="resolved", resolved_at=NOW, **end)
    (route,) = column(conn, "SELECT id FROM alert_routes")
    found = read_healed(conn, route, not_before=NOW, until=NOW + HOUR, max_alerts=5)
    assert [one.asin for one in found] == (["B0HEALED01"] if told else [])


HEALED = {
    "at": NOW - HOUR, "attention": "resolved", "condition": "cleared", "resolution": "cleared",
    "resolved_at": NOW - MINUTE, "resolved_by": "data",
}  # fmt: skip


def heal_one_and_snooze_another(conn, reach):
    """One alert has healed; the other, which was to be told, is snoozed before its delivery goes."""
    add_alert(conn, "B0HEALED01", "high", **HEALED)
    add_message(conn, add_alert(conn, "B0SNOOZED1", "warning"), reach)
    dispatch(conn)
    conn.execute(
        "UPDATE alerts SET snoozed_by = 'ann', snooze_until = %s WHERE asin = 'B0SNOOZED1'",
        (NOW + HOUR,),
    )


def test_a_digest_tells_what_healed_when_none_of_its_messages_is_worth_telling_any_more(
    conn, pool, clock
):
    add_route(conn, reaches=["digest"])
    heal_one_and_snooze_another(conn, "digest")
    cabinet = Cabinet(AWAY, Accepted("yes"))
    deliver_all(pool, desk(cabinet, clock))
    clock.now = again_at(conn)
    deliver_all(pool, desk(cabinet, clock))
    for _, letter in cabinet.letters:
        assert letter.heading == "Daily digest: 0 products, 1 healed before anyone looked"
        assert "B0HEALED01" in letter.text
        assert "B0SNOOZED1" not in letter.text
    assert (len(cabinet.letters), deliveries(conn, "status")) == (2, ["delivered"])
    assert statuses(conn) == ["suppressed"]


@pytest.mark.parametrize(
    ("status", "told"),
    [("delivered", False), ("queued", False), ("cancelled", True), ("failed", True)],
)
def test_what_a_digest_that_did_not_arrive_would_have_told_is_in_the_next(conn, status, told):
    add_route(conn, reaches=["digest"])
    add_alert(conn, "B0HEALED01", "high", **HEALED)
    add_message(conn, add_alert(conn, severity="warning"), "digest")
    dispatch(conn)
    conn.execute(
        "UPDATE alert_deliveries SET status = %s, delivered_at = CASE WHEN %s = 'delivered' THEN now() END",
        (status, status),
    )
    (route,) = column(conn, "SELECT id FROM alert_routes")
    found = read_healed(conn, route, not_before=NOW - 2 * HOUR, until=NOW + 24 * HOUR, max_alerts=5)
    assert [one.asin for one in found] == (["B0HEALED01"] if told else [])


def test_a_mail_server_that_dies_after_the_data_gets_the_mail_again_under_the_same_id(
    conn, mailed, pool, clock
):
    receiver, who = mailed(DROP, "250 queued")
    assert deliveries(conn, *OUTCOME) == [("queued", 1, "cut-off")]
    clock.now = again_at(conn)
    deliver_all(pool, who)
    first, second = receiver.mails
    assert first["Message-ID"] == second["Message-ID"]
    assert deliveries(conn, *OUTCOME) == [("delivered", 2, None)]


def test_a_mail_server_that_hangs_is_left_and_tried_again(conn, mailed, pool, clock):
    _, who = mailed(HANG, "250 queued", timeout_s=1.5)
    assert deliveries(conn, *OUTCOME) == [("queued", 1, "cut-off")]
    clock.now = again_at(conn)
    deliver_all(pool, who)
    assert deliveries(conn, *OUTCOME) == [("delivered", 2, None)]


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("451 try later", ("queued", 1, "transient")),
        ("550 no such user", ("failed", 1, "refused")),
        ("535 go away", ("failed", 1, "auth")),
    ],
)
def test_a_mail_server_s_no_is_for_now_or_for_ever(conn, mailed, answer, outcome):
    mailed(answer)
    assert deliveries(conn, *OUTCOME) == [outcome]
    assert (trouble(conn) is None) is (outcome[0] == "queued")


def test_a_wrong_smtp_password_is_told_to_the_operator_and_never_written(conn, mailed):
    receiver, _ = mailed(login=("bot", "right"), url_login="bot:wrong-secret@")
    assert receiver.mails == []
    assert deliveries(conn, *OUTCOME) == [("failed", 1, "auth")]
    assert "wrong-secret" not in str(deliveries(conn, "last_error")) + trouble(conn)


def test_the_right_smtp_password_opens_the_door(conn, mailed):
    receiver, _ = mailed(login=("bot", "right"), url_login="bot:right@")
    assert len(receiver.mails) == 1


def test_no_password_goes_to_another_machine_that_offers_no_encryption(conn, mailed, monkeypatch):
    monkeypatch.setattr("worker.delivery.channels.mail._LOOPBACK", frozenset())
    receiver, _ = mailed(login=("bot", "right"), url_login="bot:right@")
    assert receiver.mails == []
    assert deliveries(conn, *OUTCOME) == [("queued", 1, "transient")]


def test_what_healed_is_no_reason_to_send_a_batch(conn, pool, clock):
    add_route(conn)
    heal_one_and_snooze_another(conn, "batch")
    cabinet = Cabinet(Accepted("yes"))
    deliver_all(pool, desk(cabinet, clock))
    assert (cabinet.letters, deliveries(conn, "status")) == ([], ["cancelled"])


@pytest.mark.parametrize(
    ("recipients", "reached", "outcome", "told"),
    [
        ("ann@x.com,nobody@x.com", ["ann@x.com"], ("delivered", 1, None), "nobody@x.com"),
        ("nobody@x.com,nobody@y.com", None, ("failed", 1, "refused"), "nobody@y.com"),
        ("ann@x.com,later@x.com", None, ("queued", 1, "transient"), None),
    ],
)
def test_of_several_receivers_those_who_can_get_it_and_the_rest_is_told(
    conn, receive, pool, clock, recipients, reached, outcome, told
):
    receiver = receive(SmtpReceiver)
    add_route(conn, address=f"mailto:{recipients}")
    add_message(conn, add_alert(conn))
    dispatch(conn)
    deliver_all(pool, desk(channels(smtp_url=receiver.url()), clock))
    assert [to for _, to in receiver.envelopes] == ([reached] if reached else [])
    assert deliveries(conn, *OUTCOME) == [outcome]
    assert told in trouble(conn) if told else trouble(conn) is None
