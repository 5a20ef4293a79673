"""What people do with alerts: a request's body, and the SQL functions it leads to."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import psycopg
from pydantic import BaseModel, ConfigDict, Field, model_validator

from db.acts import (
    Acted,
    acknowledge_alerts,
    answer_request,
    assign_alerts,
    claim_request,
    note_alerts,
    reopen_alerts,
    resolve_alerts,
    snooze_alerts,
    unacknowledge_alerts,
)

LONGEST_SNOOZE_MIN = 60 * 24 * 366
"""More than the alerts' settings ever allow; they have the last word."""

Action = Literal["acknowledge", "unacknowledge", "snooze", "resolve", "reopen", "assign", "note"]
Plain = Annotated[str, Field(pattern=r"^[^\x00]*$")]


class Act(BaseModel):
    """What to do with which alerts. Undo: unacknowledge, reopen, and note again."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"action": "acknowledge", "ids": [17, 18], "note": "Repricing now"},
                {"action": "snooze", "ids": [17], "snooze_minutes": 30},
                {"action": "resolve", "ids": [17]},
            ]
        },
    )

    action: Action
    ids: list[Annotated[int, Field(ge=1, le=2**63 - 1)]] = Field(min_length=1, max_length=200)
    note: Plain | None = Field(None, max_length=2000)
    assignee: Plain | None = Field(None, max_length=200)
    snooze_minutes: int | None = Field(None, ge=1, le=LONGEST_SNOOZE_MIN)

    @model_validator(mode="after")
    def _nothing_is_ignored(self) -> Act:
        """Refuse what the action has no use for, instead of dropping it in silence."""
        takes = {
            "note": {"acknowledge", "note"},
            "assignee": {"assign"},
            "snooze_minutes": {"snooze"},
        }
        for name, actions in takes.items():
            if getattr(self, name) is not None and self.action not in actions:
                raise ValueError(f"{name} does not go with {self.action}")
        return self


def act(
    conn: psycopg.Connection, body: Act, who: str, *, key: str | None, now: datetime
) -> list[dict[str, Any]]:
    """Do it, once per key. Must run in a transaction. Raises db.acts.KeyReusedError.

    `now` only decides which keys are still known. The acts themselves take the database's time, as
    workers and commands do.
    """
    if key is not None:
        request = body.model_dump_json().encode()
        answered = claim_request(conn, who=who, key=key, request=request, now=now)
        if answered is not None:
            return list(answered)
    results = [
        {"id": one.alert_id, "done": one.done, "code": one.code, "message": one.message}
        for one in _do(conn, body, who)
    ]
    if key is not None:
        answer_request(conn, who=who, key=key, answer=results)
    return results


def _do(conn: psycopg.Connection, body: Act, who: str) -> list[Acted]:
    ids = body.ids
    match body.action:
        case "acknowledge":
            return acknowledge_alerts(conn, ids, who=who, note=body.note)
        case "unacknowledge":
            return unacknowledge_alerts(conn, ids, who=who)
        case "snooze":
            minutes = body.snooze_minutes
            snooze = None if minutes is None else timedelta(minutes=minutes)
            return snooze_alerts(conn, ids, who=who, length=snooze)
        case "resolve":
            return resolve_alerts(conn, ids, who=who)
        case "reopen":
            return reopen_alerts(conn, ids, who=who)
        case "assign":
            return assign_alerts(conn, ids, who=who, assignee=body.assignee)
        case "note":
            return note_alerts(conn, ids, who=who, note=body.note)
