"""Rows of the feed as changes: each is written once, however many clients want it."""

from __future__ import annotations

import psycopg

from api.feed.events import Change
from api.models import alert_body, state_body
from db.dashboard import read_titles
from db.feed import Changes


def changes_of(conn: psycopg.Connection, found: Changes) -> tuple[Change, ...]:
    """The changes of one read, states first, with the titles that the catalogue knows."""
    titles = read_titles(conn, [*found.states, *found.alerts])
    changes = []
    for row in found.states:
        state = state_body(row, titles.get((row.marketplace_id, row.asin)))
        changes.append(
            Change(
                "state",
                state.key,
                int(row.changed_in or 0),
                row.marketplace_id,
                row.asin,
                row.severity,
                row.updated_at,
                state.model_dump_json(),
            )
        )
    for alert_row in found.alerts:
        alert = alert_body(alert_row, titles.get((alert_row.marketplace_id, alert_row.asin)))
        changes.append(
            Change(
                "alert",
                alert.key,
                int(alert_row.changed_in),
                alert_row.marketplace_id,
                alert_row.asin,
                alert_row.severity,
                alert_row.updated_at,
                alert.model_dump_json(),
            )
        )
    return tuple(changes)
