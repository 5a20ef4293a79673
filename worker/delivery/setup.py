"""The courier that the settings describe."""

from __future__ import annotations

import random
from datetime import timedelta

from psycopg_pool import ConnectionPool

from process.settings import SettingsError
from worker.delivery.channels.carrier import USUAL_SCHEMES, ChannelSettings
from worker.delivery.channels.carriers import Carriers
from worker.delivery.channels.chat import unknown_schemes
from worker.delivery.courier import Courier
from worker.delivery.deliver import Desk, Opens
from worker.delivery.dispatch import Recorder
from worker.delivery.outcome import Patience
from worker.delivery.secrets import Vault
from worker.settings import Settings


class _NoVault:
    """A worker without SECRET_KEY runs, and says at each delivery what is missing."""

    def __init__(self, why: SettingsError) -> None:
        self._why = why

    def decrypt(self, stored: bytes) -> str:  # noqa: ARG002
        raise self._why


def channel_settings(settings: Settings) -> ChannelSettings:
    """What the channels need of the settings. Raises SettingsError for an unknown scheme.

    The usual ones are not looked up: that costs a part of a second, and memory for good.
    """
    schemes = frozenset(filter(None, (s.strip() for s in settings.channel_schemes.split(","))))
    unusual = schemes.difference(USUAL_SCHEMES.split(","))
    if unusual and (unknown := unknown_schemes(unusual)):
        raise SettingsError(
            f"CHANNEL_SCHEMES names what no channel has: {', '.join(unknown)}. A scheme is what "
            "stands before :// in apprise's addresses, in small letters: slack, not Slack or https"
        )
    return ChannelSettings(
        schemes=schemes,
        allow_private=settings.allow_private_channels,
        timeout_s=settings.delivery_timeout_seconds,
        smtp_url=settings.smtp_url,
        mail_from=settings.mail_from,
    )


def courier_from(settings: Settings, pool: ConnectionPool, record: Recorder) -> Courier:
    """The courier of a worker with these settings."""
    vault: Opens
    try:
        vault = Vault(settings.secret_key)
    except SettingsError as error:
        vault = _NoVault(error)
    desk = Desk(
        who=settings.worker_id,
        carriers=Carriers(channel_settings(settings)),
        vault=vault,
        record=record,
        patience=Patience(
            settings.delivery_max_attempts, timedelta(hours=settings.delivery_max_hours)
        ),
        # Longer than an attempt with its statements can take, or a live one would be put back.
        lost_after=timedelta(seconds=3 * settings.delivery_timeout_seconds + 30),
        jitter=random.Random(),
    )
    return Courier(pool, desk, threads=settings.delivery_threads)
