"""Webhooks: `json://` and `jsons://` addresses, as apprise writes them, posted by ourselves.

apprise says only whether a message was sent, not why not. Here the status and Retry-After decide
what happens next, redirects are not followed, and the address that was checked is the one connected
to. The body is apprise's JSON with two more fields: `id`, and `alerts` with the facts.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import httpx

from worker.delivery.channels.carrier import ChannelSettings, Letter
from worker.delivery.channels.network import (
    ForbiddenAddressError,
    UnknownHostError,
    addresses_of,
)
from worker.delivery.outcome import Accepted, Failure, Outcome, http_failure
from worker.errors import PermanentError

MOST_ADDRESSES = 4
"""How many addresses of a host are tried, one after the other, until one can be reached."""

SCHEMES = {"json": "http", "jsons": "https"}
_PORTS = {"http": 80, "https": 443}
_HTTP_S_OWN = frozenset({"host", "content-length", "transfer-encoding"})
"""Headers of which a request has one, and this one from us."""

_PRIORITY_TYPES = {"critical": "failure", "high": "warning", "warning": "warning"}


class WebhookAddressError(PermanentError):
    """The address is no webhook; it looks like jsons://user:password@host/path?+Header=value."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook's address, taken apart."""

    scheme: str
    host: str
    port: int
    target: str = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    login: tuple[str, str] | None = field(repr=False)


def parse_webhook(address: str) -> Webhook:
    """Take the address apart. Raises WebhookAddressError with what is wrong, without its secrets.

    As in apprise, `?+Name=value` is a header and `?-name=value` goes into the query.
    """
    try:
        found = urlsplit(address)
        port = found.port
    except ValueError:
        raise WebhookAddressError from None
    if found.scheme not in SCHEMES or not found.hostname:
        raise WebhookAddressError
    headers, query = [], []
    for name, value in parse_qsl(found.query.replace("+", "%2B"), keep_blank_values=True):
        kind, rest = name[:1], name[1:]
        if kind == "+" and _is_header(rest, value):
            headers.append((rest, value))
        elif kind == "-" and rest:
            query.append(f"{quote(rest)}={quote(value)}")
        else:
            raise WebhookAddressError(
                "a webhook's options are +Header=value and -parameter=value only, without "
                "Host, Content-Length and Transfer-Encoding"
            )
    scheme = SCHEMES[found.scheme]
    login = None
    if found.username is not None:
        login = (unquote(found.username), unquote(found.password or ""))
    path = found.path or "/"
    return Webhook(
        scheme,
        _as_the_net_spells(found.hostname),
        port or _PORTS[scheme],
        f"{path}?{'&'.join(query)}" if query else path,
        tuple(headers),
        login,
    )


def _as_the_net_spells(host: str) -> str:
    """The host in ASCII: a header takes nothing else, and the resolver knows older rules only."""
    if host.isascii():
        return host
    try:
        return httpx.URL(scheme="https", host=host).raw_host.decode()
    except httpx.InvalidURL:
        raise WebhookAddressError from None


def _is_header(name: str, value: str) -> bool:
    plain = name.isascii() and name.replace("-", "").replace("_", "").isalnum()
    return plain and name.lower() not in _HTTP_S_OWN and value.isprintable() and value.isascii()


def find_host(webhook: Webhook, settings: ChannelSettings) -> list[str]:
    """The addresses of its host. Raises ForbiddenAddressError or UnknownHostError."""
    return addresses_of(
        webhook.host,
        webhook.port,
        allow_private=settings.allow_private,
        timeout_s=settings.connect_timeout_s,
    )


class WebhookCarrier:
    """Posts letters."""

    def __init__(self, settings: ChannelSettings) -> None:
        self._settings = settings

    def carry(self, address: str, letter: Letter, now: datetime) -> Outcome:
        """Post the letter. 2xx is a yes; a break after the body was sent is `cut-off`."""
        try:
            webhook = parse_webhook(address)
            ips = find_host(webhook, self._settings)
        except (WebhookAddressError, ForbiddenAddressError) as error:
            return Failure("refused", str(error))
        except UnknownHostError as error:
            return Failure("transient", str(error))
        return asyncio.run(self._post(webhook, ips[:MOST_ADDRESSES], letter, now))

    async def _post(
        self, webhook: Webhook, ips: Sequence[str], letter: Letter, now: datetime
    ) -> Outcome:
        sent = False

        async def watch(event: str, _info: object) -> None:
            nonlocal sent
            # Once the whole body is written, the other side may have read it.
            sent = sent or event.endswith("send_request_body.complete")

        error: Exception | None = None
        try:
            async with asyncio.timeout(self._settings.timeout_s), self._client() as client:
                for ip in ips:
                    try:
                        return await _post_to(client, webhook, ip, letter, now, watch)
                    except (httpx.ConnectError, httpx.ConnectTimeout) as away:
                        error = away
        except httpx.InvalidURL as unusable:
            return Failure("refused", type(unusable).__name__)
        except (httpx.HTTPError, TimeoutError, OSError) as broken:
            error = broken
        # Never the error's own text: it may quote the address.
        what = type(error).__name__
        if sent:
            return Failure("cut-off", f"{what} after the message was sent")
        return Failure("transient", f"{what} before the message was sent")

    def _client(self) -> httpx.AsyncClient:
        settings = self._settings
        limits = httpx.Timeout(settings.timeout_s, connect=settings.connect_timeout_s)
        return httpx.AsyncClient(timeout=limits, follow_redirects=False, trust_env=False)


async def _post_to(
    client: httpx.AsyncClient,
    webhook: Webhook,
    ip: str,
    letter: Letter,
    now: datetime,
    watch: Callable[[str, object], Awaitable[None]],
) -> Outcome:
    """Post to this address of the host. The answer's body is not read: it could go on for ever."""
    place = f"[{ip}]" if ":" in ip else ip
    async with client.stream(
        "POST",
        f"{webhook.scheme}://{place}:{webhook.port}{webhook.target}",
        content=body_of(letter),
        headers=_headers(webhook, letter),
        auth=webhook.login,
        extensions={"trace": watch, "sni_hostname": webhook.host},
    ) as answer:
        if answer.is_success:
            return Accepted(f"HTTP {answer.status_code}", letter.identity)
        return http_failure(answer.status_code, answer.headers.get("retry-after"), now)


def _headers(webhook: Webhook, letter: Letter) -> list[tuple[str, str]]:
    standard = _PORTS[webhook.scheme] == webhook.port
    host = f"[{webhook.host}]" if ":" in webhook.host else webhook.host
    return [
        ("Host", host if standard else f"{host}:{webhook.port}"),
        ("Content-Type", "application/json"),
        ("User-Agent", "buybox"),
        ("Idempotency-Key", letter.identity),
        *webhook.headers,
    ]


def body_of(letter: Letter) -> bytes:
    """The letter as JSON."""
    body = {
        "version": "1.0",
        "title": letter.heading,
        "message": letter.text,
        "attachments": [],
        "type": _PRIORITY_TYPES.get(letter.severity, "info"),
        "id": letter.identity,
        "alerts": list(letter.alerts),
    }
    return json.dumps(body, ensure_ascii=False, default=str).encode()
