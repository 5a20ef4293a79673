"""The settings of the lifecycle, checked when they are made.

Source of the defaults: issue "Alerts"; the last few are ours (docs/decisions/0014).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import UTC, timedelta, tzinfo

_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)

LONGEST = timedelta(days=366)
"""Far beyond any use, yet a time plus this length is still within the calendar."""


@dataclass(frozen=True, slots=True)
class AlertSettings:
    """How long, how often, how many. `digest_hour` is an hour in `digest_zone`.

    A fall counts after `clear_hold`. The same alert is told again if it was not seen for longer
    than `dedupe_window`, and every `repeat_interval` while it goes on. A critical alert that
    nobody acknowledges escalates every `escalate_after`, up to `escalation_levels` times and not
    once it is older than `escalation_limit`. A subject becomes unstable above `flapping_enter_pct`
    of weighted changes and settles at `flapping_leave_pct`; changes older than `flapping_horizon`
    no longer count. More than `burst_limit` products of a marketplace within `burst_window` become
    one message.
    """

    clear_hold: timedelta = 5 * _MINUTE
    dedupe_window: timedelta = 30 * _MINUTE
    repeat_interval: timedelta = 4 * _HOUR
    snooze_default: timedelta = 30 * _MINUTE
    snooze_max: timedelta = 24 * _HOUR
    escalate_after: timedelta = _HOUR
    escalation_levels: int = 3
    escalation_limit: timedelta = 24 * _HOUR
    auto_resolve_after: timedelta = 24 * _HOUR
    flapping_enter_pct: int = 30
    flapping_leave_pct: int = 25
    flapping_horizon: timedelta = 2 * _HOUR
    burst_limit: int = 20
    burst_window: timedelta = 5 * _MINUTE
    batch_every: timedelta = 5 * _MINUTE
    digest_hour: int = 7
    digest_zone: tzinfo = UTC

    def __post_init__(self) -> None:
        """Raise ValueError with a sentence if a setting makes no sense."""
        for field in fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, timedelta):
                continue
            if value <= timedelta(0) and field.name != "clear_hold":
                raise ValueError(f"{field.name} must be longer than nothing, not {value}.")
            if value > LONGEST:
                raise ValueError(f"{field.name} can be {LONGEST.days} days at most, not {value}.")
        if self.clear_hold < timedelta(0):
            raise ValueError(f"clear_hold can't be negative ({self.clear_hold}).")
        if self.snooze_default > self.snooze_max:
            raise ValueError("snooze_default is longer than snooze_max allows.")
        if not 0 <= self.flapping_leave_pct < self.flapping_enter_pct <= 100:  # noqa: PLR2004
            raise ValueError(
                "flapping_leave_pct must be under flapping_enter_pct, both from 0 to 100 %: "
                "with one threshold for both, the remark itself would flap."
            )
        if self.escalation_levels < 0 or self.burst_limit < 1:
            raise ValueError("escalation_levels can't be negative, burst_limit is 1 or more.")
        if not 0 <= self.digest_hour <= 23:  # noqa: PLR2004
            raise ValueError(f"digest_hour is an hour of the day, 0 to 23, not {self.digest_hour}.")
