"""Alerts in the terminal: how one stands, every field that says something, its trail, its messages."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal

import pytest

from db.alert_reading import TrailEvent
from tests.alerts import NOW
from tests.factories import ASIN, GB
from worker.cli import alerts_shown, common
from worker.cli.alerts_trace import Station

ALERT = {
    "id": 7, "severity": "critical", "marketplace_id": GB, "asin": ASIN, "item_condition": "new",
    "kind": "buy-box-lost", "condition": "firing", "attention": "new", "acknowledged_by": None,
    "assignee": None, "snooze_until": None, "escalation_level": 0, "inhibited_by": None,
    "resolution": None, "resolved_by": None, "true_since": NOW, "last_seen": NOW,
    "occurrences": 3, "profit_at_stake_per_day": Decimal("12.5"), "currency": "GBP",
    "title": "A mug, enamelled, of the colour of the sea at noon", "last_heard": None,
}  # fmt: skip
HEADING = f"alert 7: critical, UK {ASIN}, new, buy-box-lost: firing, new"


def event(event_id: int, change: str, **given) -> TrailEvent:
    fields = {
        "id": event_id, "at": NOW, "who": "data", "change": change, "from_phase": "high/new",
        "to_phase": None, "reason": f"because {change}", "told": change, "quiet": None,
        "voice_why": "", "ended": [], "trace_id": "t",
    }  # fmt: skip
    return TrailEvent(**fields | given)


@pytest.fixture
def shown(monkeypatch, capsys):
    """The lines that something prints on a terminal so wide."""

    def run(show, *given, width: int = 250, as_json: bool = False) -> list[str]:
        monkeypatch.setattr(common.console, "_width", width)
        show(*given, as_json=as_json)
        return [line.rstrip() for line in capsys.readouterr().out.splitlines() if line.strip()]

    return run


@pytest.mark.parametrize(
    ("changes", "how"),
    [
        ({}, "new"),
        ({"attention": "delivered", "assignee": "bob"}, "delivered; bob's"),
        ({"attention": "reviewing", "acknowledged_by": "ann"}, "ann is on it"),
        ({"snooze_until": NOW + timedelta(hours=2.5)}, "new; snoozed until 03-10 14:30"),
        ({"escalation_level": 2}, "new; escalation 2"),
        ({"inhibited_by": "no Buy Box"}, "new; muted: no Buy Box"),
        (
            {
                "attention": "resolved",
                "resolution": "manual",
                "resolved_by": "ann",
                "assignee": "b",
            },
            "ended (manual, ann)",
        ),
    ],
)
def test_how_an_alert_stands_is_said_in_the_list(shown, changes, how):
    header, _, row = shown(alerts_shown.show_list, [ALERT | changes])
    cells = [header.index(name) for name in alerts_shown.COLUMNS]
    found = [row[start:end].strip() for start, end in zip(cells, [*cells[1:], None], strict=True)]
    title = "A mug, enamelled, of the colour of the s"
    assert found == [
        "7", "critical", f"UK {ASIN}", "buy-box-lost", how, "2026-03-10 12:00", "3",
        "12.50 GBP a day", title,
    ]  # fmt: skip


def test_a_list_that_does_not_fit_is_a_line_an_alert_with_nothing_cut(shown):
    bare = ALERT | {"id": 8, "profit_at_stake_per_day": None, "title": None}
    assert shown(alerts_shown.show_list, [ALERT, bare], width=60) == [
        f"{HEADING}; 12.50 GBP a day; {ALERT['title']}",
        HEADING.replace("7", "8", 1),
    ]


def test_a_stake_has_the_decimals_of_its_currency(shown):
    """As a message about it has: yen have none."""
    yen = ALERT | {"profit_at_stake_per_day": Decimal(1050), "currency": "JPY", "title": None}
    assert shown(alerts_shown.show_list, [yen], width=60) == [f"{HEADING}; 1050 JPY a day"]


def test_one_alert_is_every_field_that_says_something(shown):
    inner = {"flap_seen": [1], "subject_key": "k", "changed_in": "9", "read_at": NOW}
    more = {"facts": {"reasons": ["lost"], "low": Decimal("1.20")}, "ended": [], "note": ""}
    head, *lines = shown(alerts_shown.show_one, ALERT | inner | more, [])
    assert (head, lines.pop()) == (HEADING, "trail:")
    told = dict(line.strip().split(maxsplit=1) for line in lines)
    said = {k for k, v in ALERT.items() if v is not None}
    assert set(told) == said | {"facts"}
    assert told["true_since"] == "2026-03-10 12:00:00 UTC"
    assert (told["escalation_level"], told["occurrences"]) == ("0", "3")
    assert json.loads(told["facts"]) == {"reasons": ["lost"], "low": "1.20"}


def test_the_trail_says_who_did_what_why_and_what_came_of_it(shown):
    trail = [
        event(1, "raised", to_phase="critical/new"),
        event(2, "repeated", told=None, quiet="snoozed", voice_why="by ann"),
        event(3, "superseded", told=None, quiet="bookkeeping", who="ann", ended=["snooze", "note"]),
    ]
    assert shown(alerts_shown.show_one, ALERT, trail)[-6:] == [
        "  2026-03-10 12:00:00 UTC: raised by data: because raised",
        "    #1 critical/new; told: raised",
        "  2026-03-10 12:00:00 UTC: repeated by data: because repeated",
        "    #2 high/new; quiet: snoozed (by ann)",
        "  2026-03-10 12:00:00 UTC: superseded by ann: because superseded; ended: snooze, note",
        "    #3 high/new",
    ]
    (text,) = shown(alerts_shown.show_one, ALERT, trail, as_json=True)
    found = json.loads(text)
    assert (found["id"], found["profit_at_stake_per_day"]) == (7, "12.5")
    assert [one["change"] for one in found["trail"]] == ["raised", "repeated", "superseded"]


def test_why_names_the_alert_the_message_and_every_other_one(shown):
    first, one = event(1, "raised"), event(2, "rose", at=NOW + timedelta(minutes=1))
    last = event(3, "repeated", told=None, quiet="snoozed")
    stations = [Station("queue", "waits", "the next batch"), Station("route", "not reached")]
    given = (ALERT | {"last_heard": "seen"}, one, stations, [first, one, last])
    assert shown(alerts_shown.show_why, *given) == [
        HEADING,
        "heard last: seen (2026-03-10 12:00:00 UTC)",
        "message #2, rose, 2026-03-10 12:01:00 UTC:",
        "  queue            waits        the next batch",
        "  route            not reached",
        "so: not told yet: queue: the next batch",
        "also #3, repeated, 2026-03-10 12:00:00 UTC: quiet (snoozed)",
        "also #1, raised, 2026-03-10 12:00:00 UTC: told",
    ]
    assert "heard last" not in "".join(shown(alerts_shown.show_why, ALERT, *given[1:]))
    (text,) = shown(alerts_shown.show_why, *given, as_json=True)
    found = json.loads(text)
    assert (found["alert_id"], found["event_id"], found["heard_last"]) == (7, 2, "seen")
    assert found["stations"][0] == {"name": "queue", "verdict": "waits", "reason": "the next batch"}
