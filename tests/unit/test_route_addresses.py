"""What whoever adds a route is told of its address, and which hosts are looked at beforehand."""

from __future__ import annotations

import pytest

from worker.delivery.channels.addresses import SchemeError, check_address, check_host
from worker.delivery.channels.carrier import ChannelSettings
from worker.delivery.channels.network import ForbiddenAddressError

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
