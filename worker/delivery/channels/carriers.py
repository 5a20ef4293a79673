"""The right channel for an address."""

from __future__ import annotations

from datetime import datetime

from worker.delivery.channels.addresses import scheme_of
from worker.delivery.channels.carrier import Carrier, ChannelSettings, Letter
from worker.delivery.channels.chat import ChatCarrier
from worker.delivery.channels.mail import MailCarrier
from worker.delivery.channels.webhook import SCHEMES as WEBHOOKS
from worker.delivery.channels.webhook import WebhookCarrier
from worker.delivery.outcome import Failure, Outcome


class Carriers:
    """Every channel, chosen by the address's scheme."""

    def __init__(self, settings: ChannelSettings) -> None:
        self._settings = settings
        self._mail: Carrier = MailCarrier(settings)
        self._webhook: Carrier = WebhookCarrier(settings)
        self._chat: Carrier = ChatCarrier(settings)

    def carry(self, address: str, letter: Letter, now: datetime) -> Outcome:
        """Let the address's channel carry it; a scheme that is not allowed any more is refused."""
        scheme = scheme_of(address)
        if scheme not in self._settings.schemes:
            return Failure("refused", f"{scheme} is not among CHANNEL_SCHEMES")
        if scheme == "mailto":
            return self._mail.carry(address, letter, now)
        carrier = self._webhook if scheme in WEBHOOKS else self._chat
        return carrier.carry(address, letter, now)
