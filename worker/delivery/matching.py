"""Whether a route takes a message, and when. Pure; each refusal says why."""

from __future__ import annotations

from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from db.delivery_rows import DueMessage, RouteRow

Interest = Literal["immediate", "batch", "digest"]
"""What a route may ask for."""

_INTERESTS: dict[str, Interest] = {
    "immediate-channels": "immediate",
    "batch": "batch",
    "digest": "digest",
}
_ALL_CLEAR = frozenset({None, "success", "info"})


def severity_of(message: DueMessage) -> str:
    """As routes know it: `critical`, `high`, `warning`, or `clear` for all clear."""
    return "clear" if message.severity in _ALL_CLEAR else str(message.severity)


def interest_of(message: DueMessage) -> Interest | None:
    """What a route must ask for to get it; None is a message for the dashboard alone."""
    return _INTERESTS.get(message.reach)


def takes_on_dashboard(message: DueMessage) -> bool:
    """The dashboard takes everything but digests: those repeat what it has been showing."""
    return message.reach != "digest"


def why_not(route: RouteRow, message: DueMessage) -> str | None:
    """Why the route does not take the message; None when it does."""
    interest, severity = interest_of(message), severity_of(message)
    if interest is None:
        return "such messages go to the dashboard only"
    if interest not in route.reaches:
        return f"takes no {interest} messages"
    if route.severities is not None and severity not in route.severities:
        return f"not for {severity}"
    if route.marketplaces is not None and message.marketplace_id not in route.marketplaces:
        return "another marketplace"
    if route.asins is not None and message.asin not in route.asins:
        return "not one of its ASINs"
    if route.tags is not None and not set(route.tags) & set(message.tags):
        return "none of its tags"
    if message.escalation < route.min_escalation:
        return f"only from escalation level {route.min_escalation}"
    return None


def quiet_until(route: RouteRow, severity: str, now: datetime) -> datetime | None:
    """When the route's quiet hours end, if they hold a message back now. Critical ones pass.

    The hours are read on the clock of the route's zone and may span midnight; with equal ends
    there are none.
    """
    if route.quiet_from is None or route.quiet_to is None or route.quiet_zone is None:
        return None
    if severity == "critical" or route.quiet_from == route.quiet_to:
        return None
    zone = ZoneInfo(route.quiet_zone)
    local = now.astimezone(zone)
    clock = local.time()
    if route.quiet_from < route.quiet_to:
        quiet, days = route.quiet_from <= clock < route.quiet_to, 0
    else:
        quiet = clock >= route.quiet_from or clock < route.quiet_to
        days = 1 if clock >= route.quiet_from else 0
    if not quiet:
        return None
    # A wall time with its zone: where the clock changes, the hours end when the clock says so.
    end = datetime.combine(local.date() + timedelta(days=days), route.quiet_to, tzinfo=zone)
    return max(_first_moment(end), now)


def _first_moment(wall: datetime) -> datetime:
    """When the clock of its zone first shows this time, or a later one if it skips this."""

    def is_past(moment: datetime) -> bool:
        return moment.astimezone(wall.tzinfo).replace(tzinfo=None) >= wall.replace(tzinfo=None)

    late, early = wall.astimezone(UTC), wall.replace(fold=1).astimezone(UTC)
    if early >= late:
        return late
    # It is skipped: by the offset before the change it comes too late, by the one after it too
    # early. The change lies between the two, on a whole second.
    since = early.replace(microsecond=0)
    seconds = range(int((late - since).total_seconds()) + 1)
    return since + timedelta(
        seconds=bisect_left(seconds, True, key=lambda s: is_past(since + timedelta(seconds=s)))
    )
