"""`buybox routes`: what people type, what is kept, what they are told."""

from __future__ import annotations

import contextlib
import os
import subprocess
from datetime import time

import psycopg
import pytest
from cryptography.fernet import Fernet
from typer.testing import CliRunner

from db import delivery
from tests.delivery import (
    KEY,
    MINUTE,
    NOW,
    VAULT,
    Cabinet,
    add_alert,
    add_message,
    add_route,
    deliver_all,
    deliveries,
    desk,
    dispatch,
)
from tests.delivery import statuses as message_statuses
from tests.factories import GB
from tests.interleave import column
from tests.processes import BUYBOX, ROOT
from tests.receivers import HttpReceiver, SmtpReceiver
from worker.cli.main import app
from worker.delivery.deliver import rescue, settle, take_next
from worker.delivery.outcome import Accepted, Failure
from worker.delivery.secrets import Vault

HOOK = "jsons://user:hunter2@example.com/pa55path"


@pytest.fixture
def routes(database_url):
    """`buybox routes ...` on the test's database."""

    def run(*words, stdin="", **env):
        env = {
            "DATABASE_URL": database_url, "SECRET_KEY": KEY, "COLUMNS": "220", "NO_COLOR": "1", **env
        }  # fmt: skip
        return CliRunner().invoke(app, ["routes", *words], env=env, input=stdin)

    return run


def kept(conn, *columns):
    return conn.execute(f"SELECT {', '.join(columns)} FROM alert_routes ORDER BY id").fetchall()


def test_a_route_is_kept_encrypted_and_shown_masked(conn, routes):
    done = routes("add", "hook", HOOK, "--severity", "critical", "--marketplace", "UK",
                  "--quiet", "22:00-07:00", "--zone", "Europe/London")  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "route hook to jsons://example.com/… added" in done.output
    assert kept(conn, "severities", "marketplaces", "reaches", "quiet_from", "quiet_zone") == [
        (["critical"], [GB], ["immediate", "batch"], time(22), "Europe/London")
    ]
    (stored,) = column(conn, "SELECT url_encrypted FROM alert_routes")
    assert VAULT.decrypt(stored) == HOOK
    listed = routes("list").output
    assert "jsons://example.com/…" in listed
    assert "22:00-07:00 Europe/London" in listed
    everything = str(kept(conn, "alert_routes::text")) + done.output + listed
    assert "hunter2" not in everything
    assert "pa55path" not in everything


def test_a_route_for_products_takes_their_asins_however_they_are_typed(conn, routes):
    done = routes("add", "hook", HOOK, "--asin", "b0cxyz1234", "--asin", " B0CXYZ1235 ",
                  "--asin", "B0CXYZ1234")  # fmt: skip
    assert done.exit_code == 0, done.output
    assert kept(conn, "asins") == [(["B0CXYZ1234", "B0CXYZ1235"],)]
    add_message(conn, add_alert(conn, "B0CXYZ1234"))
    dispatch(conn)
    assert deliveries(conn, "route_name") == ["hook"]


@pytest.mark.parametrize(
    "asins",
    [["b0cxyz1234"], ["B0CXYZ1234 "], ["B0CXYZ1234", None], [""], ["B0CXYZ1234,B0CXYZ1235"]],
)
def test_the_table_itself_refuses_a_route_for_what_is_no_asin(conn, asins):
    with pytest.raises(psycopg.errors.CheckViolation) as refused:
        add_route(conn, asins=asins)
    assert refused.value.diag.constraint_name == "asins_are_asins"


def test_an_address_may_come_from_standard_input(conn, routes):
    assert routes("add", "hook", stdin=HOOK + "\n").exit_code == 0
    assert VAULT.decrypt(column(conn, "SELECT url_encrypted FROM alert_routes")[0]) == HOOK


def test_at_a_terminal_an_address_is_asked_for_and_not_shown(conn, database_url):
    ours, theirs = os.openpty()
    env = {**os.environ, "DATABASE_URL": database_url, "SECRET_KEY": KEY, "TERM": "dumb"}
    with subprocess.Popen(
        (*BUYBOX, "routes", "add", "hook"),
        cwd=ROOT, env=env, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
    ) as command:  # fmt: skip
        os.close(theirs)
        shown = b""
        while b"address: " not in shown:
            shown += os.read(ours, 1000)
        os.write(ours, HOOK.encode() + b"\n")
        with contextlib.suppress(OSError):  # so a terminal ends of which nobody has the other side
            while more := os.read(ours, 1000):
                shown += more
        assert command.wait(30) == 0, shown
    os.close(ours)
    assert b"hunter2" not in shown
    assert VAULT.decrypt(column(conn, "SELECT url_encrypted FROM alert_routes")[0]) == HOOK


def test_a_dry_run_checks_everything_and_writes_nothing(conn, routes):
    assert "would be added" in routes("add", "hook", HOOK, "--dry-run").output
    assert kept(conn, "name") == []
    routes("add", "hook", HOOK)
    assert routes("add", "hook", HOOK, "--dry-run").exit_code == 1
    assert "would be removed" in routes("remove", "hook", "--dry-run").output
    assert kept(conn, "name") == [("hook",)]


@pytest.mark.parametrize(
    ("words", "env", "sentence"),
    [
        (["add", "x", HOOK], {"SECRET_KEY": ""}, "SECRET_KEY is not set"),
        (["add", "x", HOOK], {"SECRET_KEY": "bad"}, "SECRET_KEY is no key"),
        (["add", "x", "https://example.com"], {}, "begins with jsons:"),
        (["add", "x", "telnet://hunter2"], {}, "CHANNEL_SCHEMES"),
        (["add", "x"], {}, "no address came"),
        (["add", "x", HOOK, "--severity", "worst"], {}, "--severity worst"),
        (["add", "x", HOOK, "--reach", "weekly"], {}, "--reach weekly"),
        (["add", "x", HOOK, "--quiet", "late"], {}, "22:00-07:00"),
        (["add", "x", HOOK, "--quiet", "22:00-22:00"], {}, "two different times"),
        (["add", "x", HOOK, "--zone", "Mars/Base"], {}, "no timezone"),
        (["add", "x", HOOK, "--asin", "B0"], {}, "B0 is no ASIN"),
        (["add", "x", HOOK, "--asin", "B0CXYZ1234,B0CXYZ1235"], {}, "10 letters and digits"),
        (["add", "a/b", HOOK], {}, "a route's name"),
        (["remove", "nobody"], {}, "there is no route nobody"),
        (["test", "nobody"], {}, "there is no route nobody"),
        (["rekey"], {"SECRET_KEY": ""}, "SECRET_KEY is not set"),
    ],
)  # fmt: skip
def test_a_mistake_is_a_sentence_without_secrets(conn, routes, words, env, sentence):
    done = routes(*words, **env)
    assert done.exit_code in {1, 2}
    assert sentence in " ".join(done.output.split())
    assert "hunter2" not in done.output
    assert "Traceback" not in done.output
    assert kept(conn, "name") == []


@pytest.mark.parametrize(
    "address",
    ["json://127.0.0.1:8080/hook", "jsons://localhost/hook", "ntfys://10.0.0.7/topic",
     "jsons://169.254.169.254/latest"],
)  # fmt: skip
def test_a_route_into_our_own_network_is_refused_when_it_is_added(conn, routes, address):
    """As each of its messages would be, and those are not tried again."""
    done = routes("add", "inside", address)
    assert done.exit_code == 1
    assert "ALLOW_PRIVATE_CHANNELS" in done.output
    assert kept(conn, "name") == []
    assert routes("add", "inside", address, ALLOW_PRIVATE_CHANNELS="true").exit_code == 0


def test_a_host_without_an_address_at_this_moment_is_taken(routes):
    assert routes("add", "later", "jsons://later.invalid/hook").exit_code == 0


def test_there_is_one_route_of_a_name(routes):
    assert routes("add", "hook", HOOK).exit_code == 0
    done = routes("add", "hook", HOOK)
    assert (done.exit_code, "already" in done.output) == (1, True)


@pytest.mark.parametrize("command", ["remove", "disable"])
def test_what_waits_for_a_route_that_goes_is_cancelled_and_said(conn, routes, command):
    add_route(conn, reaches=["digest"])
    add_message(conn, add_alert(conn, severity="warning"), "digest")
    dispatch(conn)
    assert "waiting messages cancelled: 1" in routes(command, "ops").output
    assert deliveries(conn, "status", "route_name", "next_attempt_at") == [
        ("cancelled", "ops", None)
    ]
    assert message_statuses(conn) == ["failed"], "nobody else gets it, and that is said"


def test_a_route_that_is_off_gets_nothing_until_it_is_on(conn, routes):
    add_route(conn)
    routes("disable", "ops")
    add_message(conn, add_alert(conn))
    dispatch(conn)
    assert deliveries(conn, "id") == []
    assert " off " in routes("list").output
    routes("enable", "ops")
    add_message(conn, add_alert(conn, "B0ALERTS02"))
    dispatch(conn)
    assert len(deliveries(conn, "id")) == 1


# a route that goes while a message is on its way --------------------------------------------------

AWAY = Failure("transient", "HTTP 500")
CLOSED = ("cancelled", "its route was switched off or removed")
on_its_way = pytest.mark.parametrize("command", ["remove", "disable"])


@pytest.fixture
def in_hand(conn, pool, clock):
    """A courier, and a message to one route only that it has taken in hand."""
    add_route(conn, reaches=["digest"])
    add_message(conn, add_alert(conn, severity="warning"), "digest")
    dispatch(conn)
    who = desk(Cabinet(AWAY, Accepted("yes")), clock)
    with pool.connection() as hand:
        return who, take_next(hand, who)


@on_its_way
def test_what_fails_after_its_route_went_is_cancelled_and_its_message_has_failed(
    conn, routes, pool, clock, in_hand, command
):
    who, parcel = in_hand
    assert "waiting messages cancelled: 0" in routes(command, "ops").output, "it is on its way"
    with conn.transaction():
        settle(conn, parcel, AWAY, None, who)
    assert deliveries(conn, "status", "reason", "last_error") == [(*CLOSED, "HTTP 500")]
    assert message_statuses(conn) == ["failed"]
    clock.pass_by(MINUTE)
    assert deliver_all(pool, who) == 0


@on_its_way
def test_what_a_dead_worker_had_for_a_route_that_went_is_cancelled(
    conn, routes, pool, clock, in_hand, command
):
    who, _ = in_hand
    routes(command, "ops")
    clock.pass_by(2 * MINUTE)
    assert rescue(conn, who) == 1
    assert deliveries(conn, "status", "reason") == [CLOSED]
    assert message_statuses(conn) == ["failed"]
    assert deliver_all(pool, who) == 0


@on_its_way
def test_what_arrives_after_its_route_went_has_been_delivered(conn, routes, in_hand, command):
    who, parcel = in_hand
    routes(command, "ops")
    with conn.transaction():
        settle(conn, parcel, Accepted("yes"), None, who)
    assert (deliveries(conn, "status"), message_statuses(conn)) == (["delivered"], ["delivered"])


@pytest.mark.parametrize(
    "close", ["UPDATE alert_routes SET enabled = false", "DELETE FROM alert_routes"]
)
def test_what_still_waits_for_a_route_that_went_is_not_sent_and_the_rescue_cancels_it(
    conn, pool, clock, close
):
    """As it is when a delivery is put off while its route is just being switched off."""
    add_route(conn, reaches=["digest"])
    add_message(conn, add_alert(conn, severity="warning"), "digest")
    dispatch(conn)
    found = delivery.find_due_delivery(conn, now=NOW)
    conn.execute(close)
    assert delivery.take_delivery(conn, found, who="late", now=NOW) is None
    cabinet = Cabinet(Accepted("yes"))
    assert deliver_all(pool, desk(cabinet, clock)) == 0
    rescue(conn, desk(cabinet, clock))
    assert (deliveries(conn, "status", "reason"), cabinet.letters) == ([CLOSED], [])
    assert message_statuses(conn) == ["failed"]


def test_the_rescue_leaves_alone_what_waits_for_a_route_that_is_on(conn, clock):
    add_route(conn)
    add_message(conn, add_alert(conn))
    dispatch(conn)
    rescue(conn, desk(Cabinet(AWAY), clock))
    assert deliveries(conn, "status") == ["queued"]


# tests, keys --------------------------------------------------------------------------------------


def test_a_test_message_arrives_and_takes_back_the_trouble(conn, routes):
    receiver = SmtpReceiver()
    add_route(conn, address="mailto:ann@example.com")
    conn.execute("UPDATE alert_routes SET trouble = 'auth: no'")
    assert "auth: no" in routes("list").output
    try:
        done = routes("test", "ops", SMTP_URL=receiver.url(), MAIL_FROM="alerts@example.com")
    finally:
        receiver.close()
    assert done.exit_code == 0, done.output
    assert receiver.mails[0]["Subject"] == "A test of the route ops"
    assert kept(conn, "trouble") == [(None,)]


def test_a_test_that_fails_says_how(conn, routes):
    receiver = HttpReceiver(401)
    add_route(conn, address=receiver.address("/hunter2"))
    try:
        done = routes("test", "ops", ALLOW_PRIVATE_CHANNELS="true")
        refused = routes("test", "ops")
    finally:
        receiver.close()
    assert (done.exit_code, "auth: HTTP 401" in done.output) == (1, True)
    assert "ALLOW_PRIVATE_CHANNELS" in refused.output
    assert "hunter2" not in done.output + refused.output
    assert len(receiver.posts) == 1


def test_every_address_comes_under_the_new_key_or_none(conn, routes):
    add_route(conn, "one")
    add_route(conn, "two")
    new = Fernet.generate_key().decode()
    conn.execute("UPDATE alert_routes SET url_encrypted = 'x' WHERE name = 'two'")
    before = kept(conn, "url_encrypted")
    done = routes("rekey", SECRET_KEY=f"{new},{KEY}")
    assert (done.exit_code, "route two" in done.output) == (1, True)
    assert kept(conn, "url_encrypted") == before
    routes("remove", "two")
    assert "1 addresses" in routes("rekey", SECRET_KEY=f"{new},{KEY}").output
    assert Vault(new).decrypt(kept(conn, "url_encrypted")[0][0])


def test_a_route_of_a_zone_that_only_postgres_knows_is_listed(conn, routes):
    add_route(conn, quiet_from=time(22), quiet_to=time(7), quiet_zone="PST")
    assert "22:00-07:00 PST" in routes("list").output


def test_without_routes_it_says_who_is_told(routes):
    assert "only the dashboard is told" in routes("list").output
