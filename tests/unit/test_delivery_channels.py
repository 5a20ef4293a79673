"""Addresses: what is accepted, what is shown of them, where they may lead, how they are kept."""

from __future__ import annotations

import contextlib
import threading
from datetime import timedelta
from functools import partial
from socket import gaierror
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from process.settings import SettingsError
from tests.delivery import KEY, NOW, VAULT
from worker.delivery.channels.addresses import check_address
from worker.delivery.channels.carrier import USUAL_SCHEMES, ChannelSettings, Letter
from worker.delivery.channels.carriers import Carriers
from worker.delivery.channels.chat import parse_chat, unknown_schemes
from worker.delivery.channels.mail import MailAddressError, mail_of, parse_recipients, parse_server
from worker.delivery.channels.network import (
    ForbiddenAddressError,
    UnknownHostError,
    addresses_of,
    is_public,
)
from worker.delivery.channels.webhook import parse_webhook
from worker.delivery.outcome import Failure, Patience
from worker.delivery.secrets import UnreadableSecretError, Vault, masked
from worker.delivery.setup import channel_settings, courier_from
from worker.errors import PermanentError
from worker.settings import Settings

CHANNELS = ChannelSettings()
LETTER = Letter("buybox-delivery-1", "ops", "critical", "A heading", "Text.", "<p>Text.</p>")


@pytest.mark.parametrize(
    ("address", "channel"),
    [
        ("mailto:ann@example.com", "mail"),
        ("mailto:ann@example.com,bob@example.com", "mail"),
        ("jsons://user:password@example.com:8443/path?+X-Token=abc&-q=1", "apprise"),
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#ops", "apprise"),
        ("discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js", "apprise"),
    ],
)
def test_an_address_finds_its_channel(address, channel):
    assert check_address(address, CHANNELS) == channel


@pytest.mark.parametrize(
    "address",
    [
        "", "nothing", "http://example.com/secretpath", "https://user:secret@example.com",
        "file:///etc/passwd", "syslog://", "exec://secret", "mailto://user:secret@example.com",
        "mailto:", "mailto:ann", "mailto:ann@example.com\nBcc: eve@example.com",
        "mailto:ann@example.com%0d%0aBcc:eve@example.com", "mailto:a@x.com?bcc=eve@secret.com",
        "mailto:" + ",".join(f"a{n}@example.com" for n in range(30)), "json:///path",
        "jsons://example.com/?secret=1", "jsons://example.com:secret/", "jsons://[secret/",
        "jsons://example.com/?+Bad%0aHeader=secret", "jsons://example.com/?+X=a%0d%0asecret",
        "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#secret\x1b[2J",
        "slack://secret", "mailto:ann@example.com?subject=secret", "mailto:\u00e4nn@example.com",
        "mailto:ann@host", "mailto:@example.com",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused_in_a_sentence_without_its_secrets(address):
    with pytest.raises(PermanentError) as refused:
        check_address(address, CHANNELS)
    assert "secret" not in str(refused.value)
    assert len(str(refused.value)) > 20


@given(st.text('a1.@<>()[]"\\:;%\t \u00e9', max_size=12))
def test_any_text_is_a_mail_address_or_is_refused_as_none(text):
    """The standard library's parser ends in many ways, and others in each version of Python."""
    with contextlib.suppress(MailAddressError):
        assert all("@" in name for name in parse_recipients(f"mailto:{text}"))


def test_a_scheme_that_was_taken_off_the_list_is_not_used_any_more():
    carriers = Carriers(ChannelSettings(schemes=frozenset({"mailto"})))
    outcome = carriers.carry("jsons://example.com/", LETTER, NOW)
    assert outcome == Failure("refused", "jsons is not among CHANNEL_SCHEMES")


def test_an_address_that_apprise_does_not_read_any_more_is_refused():
    outcome = Carriers(CHANNELS).carry("slack://secret", LETTER, NOW)
    assert isinstance(outcome, Failure)
    assert (outcome.error_class, "secret" in outcome.text) == ("refused", False)


@pytest.mark.parametrize("given", ["jsons,slak", "Slack", "https"])
def test_a_scheme_that_no_channel_has_is_said_at_the_start(given):
    wrong = given.split(",")[-1]
    with pytest.raises(SettingsError, match=f"CHANNEL_SCHEMES.*{wrong}"):
        channel_settings(Settings(channel_schemes=given))


def test_the_schemes_that_routes_may_use_are_those_that_are_set():
    found = channel_settings(Settings(channel_schemes="mailto, gotify,slack,"))
    assert found.schemes == {"mailto", "gotify", "slack"}


def test_the_usual_schemes_are_channels():
    """They are not looked up at the start, which costs a third of a second and 25 MB."""
    assert unknown_schemes(frozenset(USUAL_SCHEMES.split(","))) == []


def test_a_webhook_has_its_headers_query_and_login():
    found = parse_webhook("jsons://ann%40x:p%3Aw@example.com/a/b?+X-Token=t+1&-q=a+b")
    assert (found.scheme, found.host, found.port) == ("https", "example.com", 443)
    assert found.login == ("ann@x", "p:w")
    assert found.headers == (("X-Token", "t+1"),)
    assert found.target == "/a/b?q=a%2Bb"


def test_apprise_s_own_retries_and_files_are_switched_off():
    plugin = parse_chat("ntfys://topic?retry=5&attach=/etc/passwd&rto=500&redirect=yes&priority=5")
    assert (plugin.retry, plugin.redirects, plugin.attach) == (0, False, None)
    assert plugin.socket_read_timeout < 10
    assert plugin.priority == "max"


@pytest.mark.parametrize("option", ["verify=no", "Verify=no", "%20verify=no", "verify%20=no"])
def test_no_address_switches_off_the_check_of_certificates(option):
    assert parse_chat(f"ntfys://topic?{option}").verify_certificate is True


@pytest.mark.parametrize("option", ["redirect=yes", "redirect%20=yes", "%09REDIRECT%20=yes"])
def test_no_address_switches_on_redirects(option):
    assert parse_chat(f"ntfys://topic?{option}").redirects is False


@pytest.mark.parametrize(
    "address",
    [
        "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/",
        "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js",
        "tgram://123456789:abcdefg_hijklmnop/12315544/",
        f"workflows://example.com/{'0' * 32}/{'1' * 32}/",
    ],
)
@pytest.mark.parametrize(
    "option", ["template=/etc/passwd", "Template%20=http://169.254.169.254/latest/meta-data/"]
)
def test_no_address_has_a_file_or_another_address_read_as_its_template(address, option):
    assert len(parse_chat(f"{address}?{option}").template) == 0


@pytest.mark.parametrize("option", ["", "?discovery=yes", "?%20discovery=yes"])
def test_a_matrix_server_is_the_one_that_is_named(option):
    assert parse_chat(f"matrixs://ann:password@example.com/%23room{option}").discovery is False


# secrets ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("mailto:ann@example.com", "mailto:…@example.com"),
        ("mailto://user:secret@gmail.com", "mailto://…"),
        ("jsons://user:secret@example.com:8443/secret?+X=secret", "jsons://example.com:8443/…"),
        ("jsons://[::1]:80/secret", "jsons://::1:80/…"),
        ("jsons://[secret", "jsons://…"),
        ("slack://secret/secret/secret", "slack://…"),
        ("slack:secret", "slack://…"),
        ("jsons:user@secret", "jsons:///…"),
        ("ntfys://secret", "ntfys://…"),
        ("secret", "…"),
        ("sec ret:secret", "…"),
    ],
)
def test_what_is_shown_of_an_address_holds_no_secret(address, shown):
    assert masked(address) == shown


@given(st.text(min_size=1))
def test_an_address_comes_back_as_it_was_and_is_not_readable_meanwhile(address):
    stored = VAULT.encrypt(address)
    assert VAULT.decrypt(stored) == address
    assert VAULT.decrypt(memoryview(stored)) == address
    if len(address) > 12:
        assert address.encode() not in stored


def test_an_old_key_still_reads_and_the_new_one_writes():
    new = Fernet.generate_key().decode()
    stored = VAULT.encrypt("mailto:ann@example.com")
    both = Vault(f"{new}, {KEY}")
    assert both.decrypt(stored) == "mailto:ann@example.com"
    assert Vault(new).decrypt(both.renew(stored)) == "mailto:ann@example.com"
    with pytest.raises(UnreadableSecretError):
        Vault(new).decrypt(stored)


@pytest.mark.parametrize("key", [None, "", " , ", "short", "x" * 44])
def test_without_a_key_the_sentence_says_how_to_make_one(key):
    with pytest.raises(SettingsError, match=r"Fernet\.generate_key") as refused:
        Vault(key)
    assert "x" * 44 not in str(refused.value)


def test_a_key_as_render_makes_it_is_a_key():
    """Render's generateValue is 32 bytes in standard base64, not in Fernet's alphabet."""
    Vault("/" * 42 + "8=")


@pytest.mark.parametrize("timeout_s", [1, 10, 60])
def test_a_hand_that_still_sends_is_not_taken_for_dead(timeout_s):
    """Its delivery would be put back, and sent by another hand too: two attempts' time is too short."""
    settings = Settings(delivery_timeout_seconds=timeout_s, secret_key=KEY)
    desk = courier_from(settings, Mock(), Mock()).desk
    assert desk.lost_after >= timedelta(seconds=2 * timeout_s + 20)


def test_a_courier_is_as_patient_as_it_is_told_and_says_so_without_a_key():
    settings = Settings(delivery_max_attempts=3, delivery_max_hours=5, worker_id="w-1")
    desk = courier_from(settings, Mock(), Mock()).desk
    assert (desk.who, desk.patience) == ("w-1", Patience(3, timedelta(hours=5)))
    with pytest.raises(SettingsError, match="SECRET_KEY is not set"):
        desk.vault.decrypt(b"")


# where they may lead ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "0.0.0.0", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1%eth0", "fd00::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "ff02::1",
        "64:ff9b:1::a00:7", "fec0::7", "::10.0.0.7", "::ffff:0:10.0.0.7",
    ],
)  # fmt: skip
def test_addresses_inside_are_not_public_however_they_are_written(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "64:ff9b::808:808"])
def test_addresses_outside_are_public(address):
    assert is_public(address)


def found_as(monkeypatch, answer):
    """What the resolver says of every name from now on."""
    monkeypatch.setattr("worker.delivery.channels.network.socket.getaddrinfo", answer)
    return partial(addresses_of, "receiver.example", 443, timeout_s=0.2)


@pytest.mark.parametrize(
    ("ips", "is_let_through"),
    [
        (["8.8.8.8", "8.8.4.4"], True),
        (["8.8.8.8", "10.0.0.1"], False),
        (["10.0.0.1", "8.8.8.8"], False),
    ],
)
def test_a_name_is_let_through_only_with_all_of_its_addresses(monkeypatch, ips, is_let_through):
    """Each of them is tried in turn: one that is public must not open the door to another."""
    look = found_as(monkeypatch, lambda *_, **__: [(2, 1, 6, "", (ip, 443)) for ip in ips])
    assert look(allow_private=True) == ips
    if is_let_through:
        assert look(allow_private=False) == ips
    else:
        with pytest.raises(ForbiddenAddressError):
            look(allow_private=False)


@pytest.mark.parametrize("says", [gaierror(-2, "no such name"), UnicodeError("no name"), None])
def test_a_name_without_an_address_may_have_one_later(monkeypatch, says):
    with pytest.raises(UnknownHostError):
        found_as(monkeypatch, Mock(side_effect=says, return_value=[]))(allow_private=False)


def test_a_resolver_that_hangs_is_left_behind(monkeypatch):
    over = threading.Event()
    with contextlib.closing(SimpleNamespace(close=over.set)), pytest.raises(UnknownHostError):
        found_as(monkeypatch, lambda *_, **__: over.wait(60))(allow_private=False)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "0x7f.1", "2130706433", "::1"])
def test_every_name_of_this_machine_is_refused_unless_allowed(host):
    with pytest.raises(ForbiddenAddressError):
        addresses_of(host, 80, allow_private=False, timeout_s=5)
    assert addresses_of(host, 80, allow_private=True, timeout_s=5)


@pytest.mark.parametrize(
    "address", ["json://127.0.0.1:1/hook", "json://localhost/hook", "ntfys://localhost/topic"]
)
def test_a_route_into_this_machine_is_refused_when_it_is_used(address):
    outcome = Carriers(CHANNELS).carry(address, LETTER, NOW)
    assert isinstance(outcome, Failure)
    assert (outcome.error_class, "ALLOW_PRIVATE_CHANNELS" in outcome.text) == ("refused", True)


# mail ---------------------------------------------------------------------------------------------


def test_a_heading_stays_in_its_header():
    evil = Letter("x-1", "ops\r\nX: 1", "critical", "a\r\nBcc: eve@example.com\x00", "t", "<p>")
    mail = mail_of(evil, "alerts@example.com", ("ann@example.com",), NOW)
    assert mail["Subject"] == "a Bcc: eve@example.com "
    assert "Bcc" not in mail
    assert "\n" not in mail["List-Unsubscribe"]


@pytest.mark.parametrize("sender", [None, "", "Alerts <alerts@example.com>", "a@x.com\nX: 1"])
def test_without_a_plain_sender_nothing_is_sent(sender):
    with pytest.raises(SettingsError, match="MAIL_FROM"):
        mail_of(LETTER, sender, ("ann@example.com",), NOW)


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "http://x",
        "smtp://",
        "smtp://h:secret",
        "smtp://[x",
        "smtp://bot:secret@mail.example.com?starttls=no",
    ],
)
def test_a_mail_server_that_is_none_is_said_without_its_secrets(url):
    with pytest.raises(SettingsError, match="SMTP_URL") as refused:
        parse_server(url)
    assert "h:secret" not in str(refused.value)


def test_the_mail_server_s_password_may_hold_anything():
    server = parse_server("smtps://bot%40x:p%2Fw%3A@mail.example.com")
    assert (server.port, server.implicit_tls, server.login) == (465, True, ("bot@x", "p/w:"))
    assert "p/w" not in repr(server)


def test_a_recipient_is_named_once():
    assert parse_recipients("mailto:a@x.com,a@x.com, b@x.com") == ("a@x.com", "b@x.com")
