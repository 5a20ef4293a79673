"""A route's address: its channel, and whether it may be used. Checked before it is stored."""

from __future__ import annotations

from contextlib import suppress
from typing import Literal

from worker.delivery.channels.carrier import ChannelSettings
from worker.delivery.channels.chat import check_chat_host, parse_chat
from worker.delivery.channels.mail import parse_recipients
from worker.delivery.channels.network import UnknownHostError
from worker.delivery.channels.webhook import SCHEMES as WEBHOOKS
from worker.delivery.channels.webhook import find_host, parse_webhook
from worker.errors import PermanentError

ChannelName = Literal["apprise", "mail"]
"""As `alert_routes` knows them; a webhook's address is apprise's, but we post to it."""


class SchemeError(PermanentError):
    """The address has no scheme that routes may use."""


def scheme_of(address: str) -> str:
    """What stands before the colon."""
    return address.partition(":")[0].lower()


def check_address(address: str, settings: ChannelSettings) -> ChannelName:
    """The address's channel. Raises a PermanentError that says what is wrong, without secrets."""
    scheme = scheme_of(address)
    if not address.isprintable() or scheme not in settings.schemes:
        hint = "; a webhook's address begins with jsons:" if scheme in {"http", "https"} else ""
        raise SchemeError(
            f"routes may use {', '.join(sorted(settings.schemes))} (CHANNEL_SCHEMES){hint}"
        )
    if scheme == "mailto":
        parse_recipients(address)
        return "mail"
    if scheme in WEBHOOKS:
        parse_webhook(address)
    else:
        parse_chat(address)
    return "apprise"


def check_host(address: str, settings: ChannelSettings) -> None:
    """Refuse an address whose host may not be used, as far as its name resolves at this moment.

    A host that is not found may be found tomorrow, or elsewhere. Raises ForbiddenAddressError.
    """
    scheme = scheme_of(address)
    if scheme == "mailto" or settings.allow_private:
        return
    if scheme in WEBHOOKS:
        with suppress(UnknownHostError):
            find_host(parse_webhook(address), settings)
    else:
        check_chat_host(parse_chat(address), settings)
