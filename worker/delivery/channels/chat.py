"""Everything else through apprise: Slack, Discord, ntfy and so on.

One Apprise object per delivery, since its answer is a single yes or no. Its plugins block, follow
their own timeouts and may sleep, so they run in threads of their own, and we wait no longer than an
attempt may take. Only its remarks may say why it failed: the status is read from there.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import suppress
from datetime import datetime
from urllib.parse import parse_qsl, urlencode

import apprise
from apprise.plugins import N_MGR

from worker.delivery.channels.answers import read_beginnings_only
from worker.delivery.channels.carrier import ChannelSettings, Letter
from worker.delivery.channels.network import (
    ForbiddenAddressError,
    UnknownHostError,
    addresses_of,
)
from worker.delivery.outcome import Accepted, Failure, Outcome, http_failure
from worker.errors import PermanentError

THREADS = 8
_OURS = frozenset({
    "retry", "wait", "cto", "rto", "overflow", "format", "redirect", "attach",
    "verify", "discovery", "template",
})  # fmt: skip
"""Options that we set, or that would read files and other addresses."""
_STATUS = re.compile(r"\berror=(\d{3})\b")
_HTTPS_PORT = 443


def unknown_schemes(schemes: Iterable[str]) -> list[str]:
    """The schemes that no channel has. Loads every plugin of apprise."""
    return sorted(scheme for scheme in schemes if scheme not in N_MGR)


class ChatAddressError(PermanentError):
    """apprise cannot read this address; its pages show what the service's addresses look like."""


_LOGGER = logging.getLogger("apprise")
_LOGGER.addHandler(logging.NullHandler())
_LOGGER.propagate = False  # its lines may quote addresses; a result carries those of its attempts
_LOGGER.setLevel(logging.WARNING)
read_beginnings_only()


def parse_chat(address: str) -> apprise.NotifyBase:
    """Apprise's plugin for the address. Raises ChatAddressError."""
    head, _, options = address.partition("?")
    given = parse_qsl(options, keep_blank_values=True)
    # As apprise reads a name: without the blanks around it, whatever its case.
    kept = [(name, value) for name, value in given if name.strip().lower() not in _OURS]
    asset = apprise.AppriseAsset(
        app_id="buybox",
        app_desc="buybox",
        async_mode=False,
        secure_logging=True,
        http_redirects=False,
        storage_mode=apprise.PersistentStoreMode.MEMORY,
        service_timeout=0,  # else it would wait in threads that it shares with everybody
    )
    plugin = apprise.Apprise.instantiate(f"{head}?{urlencode(kept)}" if kept else head, asset=asset)
    if plugin is None:
        raise ChatAddressError
    plugin.retry = 0
    # Only the host that was named has been checked, so no answer of it may lead to another one.
    # Matrix would ask it for another, which may be in our own network.
    plugin.redirects = False
    plugin.verify_certificate = True
    if hasattr(plugin, "discovery"):
        plugin.discovery = False
    # Half a list is better than a list that the service refuses; its heading has the counts.
    plugin.overflow_mode = apprise.OverflowMode.TRUNCATE
    return plugin


def check_chat_host(plugin: apprise.NotifyBase, settings: ChannelSettings) -> None:
    """A host that the address itself names must be allowed.

    Other plugins know their host. A name that does not resolve here leads nowhere, and may as well
    be a topic. Raises ForbiddenAddressError.
    """
    templates: Sequence[str] = plugin.templates
    if not plugin.host or not any("{host}" in template for template in templates):
        return
    with suppress(UnknownHostError):
        addresses_of(
            plugin.host,
            plugin.port or _HTTPS_PORT,
            allow_private=settings.allow_private,
            timeout_s=settings.connect_timeout_s,
        )


class ChatCarrier:
    """Gives letters to apprise."""

    def __init__(self, settings: ChannelSettings) -> None:
        self._settings = settings
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="apprise")
        self._left_behind: dict[str, Future[Outcome]] = {}

    def carry(self, address: str, letter: Letter, now: datetime) -> Outcome:
        """Notify. A plugin that takes longer than an attempt may is left behind: `cut-off`.

        Until it ends, its address gets nothing: else one service would in time hold every thread.
        """
        try:
            plugin = parse_chat(address)
            check_chat_host(plugin, self._settings)
        except (ChatAddressError, ForbiddenAddressError) as error:
            return Failure("refused", str(error))
        former = self._left_behind.get(address)
        if former is not None and not former.done():
            return Failure("transient", "an earlier delivery to this address still hangs")
        waiting = self._threads.submit(self._notify, plugin, letter, now)
        try:
            return waiting.result(self._settings.timeout_s)
        except FutureTimeoutError:
            if waiting.cancel():
                return Failure(
                    "transient", "every thread for apprise is held by a delivery that hangs"
                )
            self._left_behind[address] = waiting
            return Failure("cut-off", "no answer in time")

    @staticmethod
    def _notify(plugin: apprise.NotifyBase, letter: Letter, now: datetime) -> Outcome:
        one = apprise.Apprise(plugin, asset=plugin.asset)
        try:
            result = one.notify(
                body=_calling_nobody(letter.text),
                title=_calling_nobody(letter.heading),
                body_format=apprise.NotifyFormat.TEXT,
            )
        except Exception as error:  # noqa: BLE001  plugins are other people's code
            return Failure("transient", f"apprise: {type(error).__name__}")
        if result:
            return Accepted("apprise sent it", letter.identity)
        remarks = [
            entry.message
            for service in result.results
            for attempt in service.attempts
            for entry in attempt.logs
        ]
        found = [int(code) for remark in remarks for code in _STATUS.findall(remark)]
        if found:
            return http_failure(found[-1], None, now)
        return Failure("transient", "apprise could not send it and does not say why")


def _calling_nobody(text: str) -> str:
    """The text without mentions: a title with @everyone in it would wake up everyone.

    A mark that is not seen stands between; none of our own words has an @.
    """
    return text.replace("@", "@\u200b")
