"""Mail through the operator's SMTP server, as text and HTML; a failure names its phase.

`mailto:ann@example.com,bob@example.com` is a route; the server and its password are SMTP_URL:
`smtps://user:password@host:465`, or `smtp://host:587`, which switches to TLS if the server
offers it. A password is sent over TLS only, except to this very machine.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime
from urllib.parse import quote, unquote, urlsplit

import aiosmtplib

from process.settings import SettingsError
from worker.delivery.channels.carrier import ChannelSettings, Letter
from worker.delivery.outcome import Accepted, Failure, Outcome
from worker.errors import PermanentError

MAX_RECIPIENTS = 20
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_REFUSED_FROM = 500
_AUTH_CODES = frozenset({530, 534, 535, 538})
_PORTS = {"smtp": 587, "smtps": 465}


class MailAddressError(PermanentError):
    """The address is no mail address; it looks like mailto:someone@example.com."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """The server that takes our mail."""

    host: str
    port: int
    implicit_tls: bool
    login: tuple[str, str] | None = field(repr=False)


def parse_recipients(address: str) -> tuple[str, ...]:
    """The recipients of a mailto: address. Raises MailAddressError."""
    scheme, _, rest = address.partition(":")
    if scheme != "mailto" or rest.startswith("/"):
        raise MailAddressError
    if "?" in rest:
        raise MailAddressError("a mailto: route takes no options")
    names = tuple(dict.fromkeys(unquote(part).strip() for part in rest.split(",")))
    if len(names) > MAX_RECIPIENTS:
        raise MailAddressError(f"a mail route has {MAX_RECIPIENTS} recipients at most")
    for name in names:
        _address(name)
    return names


def _address(text: str) -> Address:
    """One plain ASCII address; nothing that could end a header or begin another."""
    if not text.isascii() or not text.isprintable() or " " in text:
        raise MailAddressError
    try:
        found = Address(addr_spec=text)
    except Exception:  # noqa: BLE001  odd text makes the parser fail in many ways
        raise MailAddressError from None
    if not found.username or ("." not in found.domain and found.domain != "localhost"):
        raise MailAddressError
    return found


def parse_server(smtp_url: str | None) -> MailServer:
    """SMTP_URL taken apart. Raises SettingsError with what to do."""
    if not smtp_url:
        raise SettingsError(
            "SMTP_URL is not set: mail needs a server, smtps://user:password@host:465"
        )
    try:
        found = urlsplit(smtp_url)
        port = found.port
    except ValueError:
        found, port = urlsplit(""), None
    if found.scheme not in _PORTS or not found.hostname or found.query:
        raise SettingsError(
            "SMTP_URL is no server's address; it looks like smtps://user:password@host:465"
        )
    login = None
    if found.username:
        login = (unquote(found.username), unquote(found.password or ""))
    implicit = found.scheme == "smtps"
    return MailServer(found.hostname, port or _PORTS[found.scheme], implicit, login)


class MailCarrier:
    """Sends letters as mail."""

    def __init__(self, settings: ChannelSettings) -> None:
        self._settings = settings

    def carry(self, address: str, letter: Letter, now: datetime) -> Outcome:
        """Send the letter; the server's 250 after the last byte is a yes."""
        try:
            recipients = parse_recipients(address)
            server = parse_server(self._settings.smtp_url)
            message = mail_of(letter, self._settings.mail_from, recipients, now)
        except MailAddressError as error:
            return Failure("refused", str(error))
        except SettingsError as error:
            return Failure("unreadable", str(error))
        return asyncio.run(self._send(server, message, recipients))

    async def _send(
        self, server: MailServer, message: EmailMessage, recipients: tuple[str, ...]
    ) -> Outcome:
        settings, phase = self._settings, "connecting"
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            timeout=settings.timeout_s,
            use_tls=server.implicit_tls,
            start_tls=_start_tls(server),
        )
        try:
            async with asyncio.timeout(settings.timeout_s):
                await client.connect(timeout=settings.connect_timeout_s)
                client.timeout = settings.timeout_s
                if server.login:
                    phase = "logging in"
                    await client.login(*server.login)
                phase = "naming the receivers"
                await client.mail(settings.mail_from or "")
                refused = await _name(client, recipients)
                phase = "sending"
                code, said = await client.data(message.as_bytes())
                return Accepted(f"SMTP {code} {_line(said)}", str(message["Message-ID"]), refused)
        except aiosmtplib.SMTPResponseException as error:
            return _answered(error, phase)
        except (aiosmtplib.SMTPException, TimeoutError, OSError, ValueError) as error:
            what = type(error).__name__
            if phase == "sending":
                return Failure("cut-off", f"{what} while the mail was sent")
            return Failure("transient", f"{what} while {phase}")
        finally:
            # The server needs no farewell, and we must never wait for its answer to one.
            client.close()


async def _name(client: aiosmtplib.SMTP, recipients: tuple[str, ...]) -> str | None:
    """Name the recipients; returns what to mend if the server refuses some of them for good.

    The others get the mail. If it takes nobody, or wants more time for one, its answer is raised:
    a mail is sent to all whom the server takes, or to nobody yet.
    """
    refusals: list[aiosmtplib.SMTPResponseException] = []
    for recipient in recipients:
        try:
            await client.rcpt(recipient)
        except aiosmtplib.SMTPResponseException as error:
            if error.code < _REFUSED_FROM or len(refusals) + 1 == len(recipients):
                raise
            refusals.append(error)
    if not refusals:
        return None
    return "; ".join(f"refused: SMTP {error.code} {_line(error.message)}" for error in refusals)


def _start_tls(server: MailServer) -> bool | None:
    """True demands STARTTLS, None takes it where it is offered, False is for implicit TLS."""
    if server.implicit_tls:
        return False
    return True if server.login and server.host not in _LOOPBACK else None


def _answered(error: aiosmtplib.SMTPResponseException, phase: str) -> Failure:
    text = f"SMTP {error.code} while {phase}: {_line(error.message)}"
    if error.code in _AUTH_CODES or isinstance(error, aiosmtplib.SMTPAuthenticationError):
        return Failure("auth" if error.code >= _REFUSED_FROM else "transient", text)
    if error.code >= _REFUSED_FROM:
        return Failure("refused", text)
    if error.code < 0:
        return Failure("cut-off" if phase == "sending" else "transient", text)
    return Failure("transient", text)


def mail_of(
    letter: Letter, sender: str | None, recipients: tuple[str, ...], now: datetime
) -> EmailMessage:
    """The mail. Raises SettingsError when MAIL_FROM is not set or is no address."""
    if not sender:
        raise SettingsError("MAIL_FROM is not set: it is the address our mail comes from")
    try:
        domain = _address(sender).domain
    except MailAddressError:
        raise SettingsError(
            "MAIL_FROM is no plain mail address; it looks like alerts@example.com"
        ) from None
    message = EmailMessage(policy=SMTP_POLICY)
    message["From"] = sender
    message["To"] = ", ".join(recipients)
    message["Subject"] = _line(letter.heading)
    message["Date"] = format_datetime(now)
    # The same at each attempt: a mailbox that got it twice can tell.
    message["Message-ID"] = f"<{letter.identity}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message["List-Id"] = f"buybox alerts <alerts.{domain}>"
    subject = quote(f"unsubscribe {letter.route}")
    message["List-Unsubscribe"] = f"<mailto:{sender}?subject={subject}>"
    message.set_content(letter.text, charset="utf-8")
    message.add_alternative(letter.html, subtype="html", charset="utf-8")
    return message


def _line(text: str) -> str:
    """A text as one printable line: whatever it says, it stays in its header.

    What begins with =? may be read as an encoded word, even by the class that writes the header,
    and may hold the end of a line.
    """
    printable = "".join(c if c.isprintable() else " " for c in " ".join(text.split()))
    return printable.replace("=?", "= ?")[:200]
