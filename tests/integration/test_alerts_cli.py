"""`buybox alerts` as people type it: looking, acting, settings."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace
from psycopg.conninfo import make_conninfo

from tests import alert_rows as rows
from tests.alerts import MINUTE
from tests.factories import GB

NASTY = "[red]x[/red] [link=evil]y \x1b[31mz\nn"


def lines(done) -> list[str]:
    assert done.exit_code == 0, done.output
    return done.stdout.splitlines()


# looking ------------------------------------------------------------------------------------------


def test_the_list_is_in_the_order_in_which_to_look(conn, buybox_alerts):
    for asin, severity, stake in (
        ("B0WARNING1", "warning", 900),
        ("B0UNKNOWN1", "critical", None),
        ("B0LITTLE01", "critical", 5),
        ("B0MUCH0001", "critical", 50),
    ):
        given = rows.product(asin, severity=severity)
        money = {"profit_at_stake_per_day": stake, "currency": stake and "GBP"}
        rows.store(conn, given, **money)
    found = [json.loads(one)["asin"] for one in lines(buybox_alerts("list", "--json"))]
    assert found == ["B0MUCH0001", "B0LITTLE01", "B0UNKNOWN1", "B0WARNING1"]
    shown = buybox_alerts("list", "--severity", "critical", "--marketplace", "UK").stdout
    assert "UK B0MUCH0001" in shown
    assert "50.00 GBP a day" in shown
    assert "WARNING" not in shown
    assert lines(buybox_alerts("list", "--asin", "b0nothing1")) == ["no alerts"]


def test_the_list_is_of_the_marketplace_and_of_whose_it_is_if_that_is_asked(conn, buybox_alerts):
    british = rows.product("B0BRITISH1")
    german = replace(british, subject=british.subject._replace(marketplace_id="A1PA6795UKMFR9"))
    rows.store(conn, british, assignee="bob")
    rows.store(conn, german, assignee="ann")

    def listed(*options):
        found = buybox_alerts("list", "--json", *options)
        return [json.loads(one)["marketplace_id"] for one in lines(found)]

    assert listed("--marketplace", "DE") == listed("--assignee", "ann") == ["A1PA6795UKMFR9"]
    assert listed("--marketplace", "UK") == listed("--assignee", "bob") == [GB]
    assert listed("--assignee", "ann", "--marketplace", "UK") == []


def test_the_list_says_how_each_stands_and_ended_ones_how_they_ended(conn, buybox_alerts):
    one = rows.store(conn, assignee="bob", escalation_level=2, inhibited_by="the Buy Box is gone")
    standing = "new; bob's; escalation 2; muted: the Buy Box is gone"
    assert standing in buybox_alerts("list", "--assignee", "bob").stdout
    buybox_alerts("resolve", one)
    assert "no alerts" in buybox_alerts("list").stdout
    assert "ended (manual, ann)" in buybox_alerts("list", "--ended").stdout


def test_one_alert_is_shown_whole_with_its_trail(conn, buybox_alerts):
    one = rows.store(conn)
    rows.event(conn, one, "raised")
    buybox_alerts("ack", one, "--note", "mine")
    text = "\n".join(lines(buybox_alerts("show", one)))
    for part in ("UK B0ALERTS01", "ann is on it", "note", "told: raised", "high firing/reviewing"):
        assert part in text
    found = json.loads(buybox_alerts("show", one, "--json").stdout)
    assert [event["change"] for event in found["trail"]] == ["raised", "acknowledged"]
    gone = buybox_alerts("show", 404)
    assert gone.exit_code == 1
    assert "there is no alert 404" in gone.stderr


@pytest.mark.parametrize("command", ["list", "show", "why"])
def test_what_people_wrote_is_no_markup_and_moves_no_cursor(conn, buybox_alerts, command):
    one = rows.store(conn, note=NASTY, assignee=NASTY, inhibited_by=NASTY, last_heard=NASTY)
    rows.event(conn, one, "raised", reason=NASTY, voice_why=NASTY, who=NASTY)
    of = [] if command == "list" else [one]
    for width in (60, 300):
        done = buybox_alerts(command, *of, width=width)
        assert done.exit_code == 0, done.output
        assert "\x1b" not in done.stdout
    assert "[red]x[/red] [link=evil]y \\x1b[31mz\\nn" in done.stdout


def test_money_at_stake_is_exact_for_programs(conn, buybox_alerts):
    rows.store(conn, profit_at_stake_per_day=Decimal("12.30"), currency="GBP")
    assert json.loads(buybox_alerts("list", "--json").stdout)["profit_at_stake_per_day"] == "12.30"


# acting -------------------------------------------------------------------------------------------


def test_several_at_once_and_one_of_them_refused(conn, buybox_alerts):
    one, two = rows.store(conn), rows.store(conn, rows.product("B0OTHER001"))
    buybox_alerts("ack", two, "--who", "bob")
    done = buybox_alerts("ack", one, two, 404, one)
    assert done.exit_code == 1
    assert done.stdout.splitlines()[0] == f"{one}: acknowledged: ann is on it"
    assert done.stdout.splitlines()[1].startswith(
        f"{two}: refused (already-acknowledged): It is acknowledged: bob has been on it since "
    )
    assert done.stdout.splitlines()[2:] == ["404: refused (no-alert): There is no alert to act on."]
    assert buybox_alerts("ack", two, rows.store(conn, rows.product("B0THIRD001"))).exit_code == 1


def test_an_alert_that_another_transaction_holds_is_told(conn, database_url, buybox_alerts):
    one = rows.store(conn)
    impatient = make_conninfo(database_url, options="-c lock_timeout=100ms")
    with conn.transaction():
        conn.execute("SELECT 1 FROM alerts WHERE id = %s FOR UPDATE", (one,))
        done = buybox_alerts("ack", one, DATABASE_URL=impatient)
    assert done.exit_code == 1
    assert f"alert {one} is held by another transaction" in done.stderr


def test_a_whole_life_by_hand(conn, buybox_alerts):
    one = rows.store(conn)
    for arguments, code in (
        (["ack", one, "--note", "asking"], "acknowledged"),
        (["unack", one], "unacknowledged"),
        (["assign", one, "--to", "bob"], "assigned"),
        (["assign", one, "--nobody"], "assigned"),
        (["note", one, "--text", "a new rival"], "noted"),
        (["snooze", one], "snoozed"),
        (["snooze", one, "--for", "1h30min"], "snoozed"),
        (["resolve", one], "resolved"),
        (["reopen", one], "reopened"),
    ):
        done = buybox_alerts(*arguments, "--json")
        assert done.exit_code == 0, done.output
        assert (json.loads(done.stdout)["code"], json.loads(done.stdout)["done"]) == (code, True)
    acts = rows.events(conn, one)
    assert {event["who"] for event in acts} == {"ann"}
    (first, second) = (event["at"] for event in acts if event["change"] == "snoozed")
    assert first <= second


@pytest.mark.parametrize("wrong", [timedelta(hours=1), timedelta(hours=-1)])
def test_an_act_is_of_the_database_s_time_whatever_the_clock_of_this_machine(
    conn, buybox_alerts, monkeypatch, wrong
):
    """By a laptop's that is ahead nobody would look at the alert before then, nor escalate it."""

    class Off(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + wrong

    monkeypatch.setattr("worker.cli.alerts.datetime", Off, raising=False)
    one = rows.store(conn)
    assert buybox_alerts("snooze", one, "--for", "30min").exit_code == 0
    (found,) = conn.execute(
        "SELECT extract(epoch FROM snooze_until - now()) / 60 BETWEEN 29 AND 30,"
        " abs(extract(epoch FROM due_at - now())) < 60 FROM alerts"
    ).fetchall()
    assert found == (True, True)


def test_a_snooze_lasts_as_long_as_is_said(conn, buybox_alerts):
    one = rows.store(conn)
    for length, minutes in ((None, 30), ("2h", 120), ("1d", 1440), ("90", None)):
        done = buybox_alerts("snooze", one, *([] if length is None else ["--for", length]))
        assert done.exit_code == (2 if minutes is None else 0)
        lasts = conn.execute("SELECT snooze_until - updated_at FROM alerts").fetchone()[0]
        assert lasts == (minutes or 1440) * MINUTE
    assert "a length is written 30min, 2h or 1d12h" in done.stderr
    done = buybox_alerts("snooze", one, "--for", "25h")
    assert done.stdout == f"{one}: refused (snooze-too-long): A snooze lasts 24 h at most.\n"


def test_who_does_it_is_said_or_known(conn, buybox_alerts, monkeypatch):
    one = rows.store(conn)
    monkeypatch.setenv("LOGNAME", "carol")
    assert buybox_alerts("note", one, "--text", "1", "--who", "dave").exit_code == 0
    assert buybox_alerts("note", one, "--text", "2").exit_code == 0
    assert buybox_alerts("note", one, "--text", "3", BUYBOX_WHO=None).exit_code == 0
    assert [event["who"] for event in rows.events(conn, one)] == ["dave", "ann", "carol"]
    done = buybox_alerts("note", one, "--text", "4", "--who", " ")
    assert (done.exit_code, "refused (nobody)" in done.stdout) == (1, True)


@pytest.mark.parametrize(
    "arguments",
    [
        ("ack",),
        ("ack", "0"),
        ("ack", 2**63),
        ("assign", "1"),
        ("assign", "1", "--to", "bob", "--nobody"),
        ("note", "1"),
        ("list", "--severity", "bad"),
        ("list", "--marketplace", "Atlantis"),
    ],
)
def test_what_cannot_be_meant_is_wrong_usage(buybox_alerts, arguments):
    assert buybox_alerts(*arguments).exit_code == 2


def test_a_database_without_tables_is_told_in_a_sentence(empty_database_url, buybox_alerts):
    for arguments in (["list"], ["show", "1"], ["why", "1"], ["ack", "1"], ["settings"]):
        done = buybox_alerts(*arguments, DATABASE_URL=empty_database_url)
        assert (done.exit_code, "buybox migrate" in done.stderr) == (1, True), done.output


@pytest.mark.parametrize("command", ["list", "show", "why", "ack", "snooze", "settings"])
def test_help_shows_how_to_type_it(buybox_alerts, command):
    assert f"buybox alerts {command}" in " ".join(buybox_alerts(command, "--help").stdout.split())


# settings -----------------------------------------------------------------------------------------


def test_settings_are_shown_and_changed(conn, buybox_alerts):
    assert "snooze_max           1d" in lines(buybox_alerts("settings"))
    done = buybox_alerts(
        "settings", "--set", "snooze_max=12h", "--set", "digest_zone=Europe/London"
    )
    assert "snooze_max           12h  (changed)" in lines(done)
    found = json.loads(buybox_alerts("settings", "--set", "burst_limit=7", "--json").stdout)
    assert (found["snooze_max"], found["burst_limit"]) == ("12h", 7)
    assert found["digest_zone"] == "Europe/London"
    assert conn.execute("SELECT snooze_max FROM alert_settings").fetchone() == (
        timedelta(hours=12),
    )


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("snooze_max", "NAME=VALUE"),
        ("only_row=false", "the names: clear_hold"),
        ("snooze_max=soon", "30min, 2h"),
        ("snooze_max=-1h", "30min, 2h"),
        ("snooze_max=1min", "longer than snooze_max allows"),
        ("snooze_default=0s", "must be longer than nothing"),
        ("repeat_interval=367d", "366 days at most"),
        ("burst_limit=many", "whole number"),
        ("burst_limit=0", "1 or more"),
        ("flapping_leave_pct=30", "the remark itself would flap"),
        ("digest_hour=24", "0 to 23"),
        ("digest_zone=Atlantis", "Europe/London"),
        ("digest_zone=../../etc", "Europe/London"),
        ("snooze_max=999999999d 999999999d", "30min, 2h"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_with_a_sentence(conn, buybox_alerts, change, sentence):
    before = conn.execute("SELECT * FROM alert_settings").fetchall()
    done = buybox_alerts("settings", "--set", "burst_window=1h", "--set", change)
    assert done.exit_code == 2, done.output
    assert sentence in done.stderr
    assert conn.execute("SELECT * FROM alert_settings").fetchall() == before
