"""What whoever adds a route is told of its address, and which hosts are looked at beforehand."""

from __future__ import annotations

import pytest

from worker.delivery.channels.addresses import SchemeError, check_address, check_host
from worker.delivery.channels.carrier import ChannelSettings
from worker.delivery.channels.network import ForbiddenAddressError, is_public
from worker.delivery.channels.webhook import WebhookAddressError, parse_webhook

CHANNELS = ChannelSettings()


@pytest.fixture
def all_inside(monkeypatch):
    """A resolver that finds every name in our own network."""
    inside = [(2, 1, 6, "", ("10.0.0.7", 443))]
    where = "worker.delivery.channels.network.socket.getaddrinfo"
    monkeypatch.setattr(where, lambda *_, **__: inside)


@pytest.mark.usefixtures("all_inside")
def test_a_mail_may_go_to_a_host_of_our_own_network():
    """It is the mail server that looks for it."""
    check_host("mailto:ann@example.com", CHANNELS)


@pytest.mark.usefixtures("all_inside")
@pytest.mark.parametrize("address", ["jsons://example.com/hook", "gotifys://example.com/Atoken99"])
def test_a_host_of_our_own_network_is_refused_before_the_route_is_stored(address):
    with pytest.raises(ForbiddenAddressError):
        check_host(address, CHANNELS)


@pytest.mark.parametrize(
    ("address", "is_a_webhook"),
    [("http://example.com", True), ("https://example.com", True), ("file:///x", False)],
)
def test_who_gives_a_plain_url_is_told_how_a_webhook_begins(address, is_a_webhook):
    with pytest.raises(SchemeError) as refused:
        check_address(address, CHANNELS)
    assert ("begins with jsons:" in str(refused.value)) is is_a_webhook


@pytest.mark.parametrize(
    ("host", "asked_for"),
    [("bücher.example", "xn--bcher-kva.example"), ("faß.example", "xn--fa-hia.example")],
)
def test_a_webhook_s_host_with_letters_of_its_language_is_asked_for_as_the_net_spells_it(
    host, asked_for
):
    """As browsers do: by the older rules faß is fass, which is somebody else."""
    assert parse_webhook(f"jsons://{host}/hook").host == asked_for


def test_a_webhook_s_host_that_the_net_cannot_spell_is_refused():
    with pytest.raises(WebhookAddressError):
        check_address("jsons://①②⑦.⓪.⓪.①/hook", CHANNELS)


@pytest.mark.parametrize("name", ["Host", "content-length", "Transfer-Encoding"])
def test_a_webhook_has_no_header_that_says_where_its_message_goes_or_ends(name):
    """With two of them nothing can be sent; it would be tried again and again."""
    with pytest.raises(WebhookAddressError, match="Header=value"):
        check_address(f"jsons://example.com/hook?+{name}=1", CHANNELS)


@pytest.mark.parametrize("address", ["5f00::7", "3fff::7", "100:0:0:1::7"])
def test_addresses_that_became_none_of_the_public_net_are_not_public(address):
    assert not is_public(address)
