"""What a channel is given, what it must be able to do, and the settings of all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from worker.delivery.outcome import Outcome

USUAL_SCHEMES = (
    "json,jsons,mailto,slack,workflows,discord,tgram,gchat,mmosts,rockets,matrixs,ntfys,"
    "gotifys,pover,pagerduty,opsgenie,spike,twilio"
)
"""What routes may use unless the operator says otherwise: encrypted ones, and plain `json`."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A message in its words. `identity` is the same at each attempt, so that repeats show."""

    identity: str
    route: str
    severity: str
    heading: str
    text: str
    html: str
    alerts: tuple[Mapping[str, object], ...] = ()


@dataclass(frozen=True, slots=True)
class ChannelSettings:
    """What the channels need to know. Times are in seconds; `timeout_s` is for a whole attempt."""

    schemes: frozenset[str] = frozenset(USUAL_SCHEMES.split(","))
    allow_private: bool = False
    timeout_s: float = 10.0
    smtp_url: str | None = field(default=None, repr=False)
    mail_from: str | None = None

    @property
    def connect_timeout_s(self) -> float:
        """For connecting alone: a host that does not answer within this is away."""
        return min(4.0, self.timeout_s)


class Carrier(Protocol):
    """A channel. It never raises for what a receiver or the network does, and ends in time."""

    def carry(self, address: str, letter: Letter, now: datetime) -> Outcome:
        """Take the letter to the address, which is in clear."""
