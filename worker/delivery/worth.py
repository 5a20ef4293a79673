"""Whether a message that waited is still worth telling. Pure.

Between the decision to send and the sending, people act and data change. An act cancels what waits
for its alert; this is for what waits together with others, which no act may cancel.
"""

from __future__ import annotations

from datetime import datetime

from db.delivery_rows import ItemRow

_SAID_ANYWAY = frozenset({"cleared", "timed-out", "settled"})
"""What speaks of an end is told after that end too."""


def why_left_out(item: ItemRow, now: datetime) -> str | None:
    """Why the message is not told any more; None when it is."""
    if item.status in {"suppressed", "snoozed"}:
        return f"it was {item.status} meanwhile"
    if item.tell in _SAID_ANYWAY:
        return None
    if item.attention == "reviewing" and _since(item.acknowledged_at, item):
        return f"{item.acknowledged_by} acknowledged the alert meanwhile"
    if item.snooze_until is not None and item.snooze_until > now:
        return "the alert was snoozed meanwhile"
    if item.resolution == "superseded":
        return "a worse alert took its place meanwhile"
    if item.resolution == "manual" and _since(item.resolved_at, item):
        return "somebody closed the alert meanwhile"
    return None


def _since(moment: datetime | None, item: ItemRow) -> bool:
    return moment is not None and moment >= item.created_at
