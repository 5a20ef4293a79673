"""Where a route may lead: not into our own network, unless the operator allows it.

An address comes from whoever may add routes; a server that posts to any address is a door into
the network it stands in (SSRF). A webhook connects to the very address that was checked, so a name
that changes its answer between the two gains nothing; apprise may resolve the name again.
"""

from __future__ import annotations

import ipaddress
import socket
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError

from worker.errors import PermanentError, RetryableError

_RESOLVERS = ThreadPoolExecutor(max_workers=8, thread_name_prefix="resolve")
"""The resolver has no timeout of its own; a name that takes too long is left behind here."""

_NAT64 = ipaddress.ip_network("64:ff9b::/96")

_INSIDE = tuple(
    map(
        ipaddress.ip_network,
        (
            *("64:ff9b:1::/48", "fec0::/10", "::/96", "::ffff:0:0:0/96"),
            *("5f00::/16", "3fff::/20", "100:0:0:1::/64"),
        ),
    )
)
"""What the library takes for global but is not: the NAT64 of one's own network, site-local
addresses, two older ways to write an IPv4 address (RFC 8215, 3879, 4291, 2765), and what was set
aside since: segments inside a network, examples, dummies (RFC 9602, 9637, 9780)."""


class ForbiddenAddressError(PermanentError):
    """The host is in a private network; ALLOW_PRIVATE_CHANNELS permits that."""


class UnknownHostError(RetryableError):
    """The host's name has no address at this moment."""


def addresses_of(host: str, port: int, *, allow_private: bool, timeout_s: float) -> list[str]:
    """The host's addresses, in the resolver's order; all of them must be allowed.

    Raises ForbiddenAddressError or UnknownHostError.
    """
    try:
        found = _RESOLVERS.submit(
            socket.getaddrinfo, host, port, type=socket.SOCK_STREAM
        ).result(timeout_s)  # fmt: skip
    except (OSError, UnicodeError, FutureTimeoutError):
        raise UnknownHostError from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not addresses:
        raise UnknownHostError
    if not allow_private and not all(is_public(address) for address in addresses):
        raise ForbiddenAddressError
    return addresses


def is_public(address: str) -> bool:
    """Whether everybody can reach the address; one that wraps another is judged by that other."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour
        if inner is None and found in _NAT64:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        if any(found in network for network in _INSIDE):
            return False
    return found.is_global and not found.is_multicast
