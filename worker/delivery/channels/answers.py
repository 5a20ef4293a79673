"""How much of a service's answer is read by apprise: its beginning.

Its plugins read every answer whole into memory, and go on when the delivery was given up long ago.
A service may send without end, or a little that unpacks to gigabytes. apprise has no setting for
it and makes its own sessions of requests, so these are given another adapter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import requests

MOST_BYTES = 1_048_576
"""Far more than any service has to say of one message."""


class _Adapter(requests.adapters.HTTPAdapter):
    """Connections whose answers end after `MOST_BYTES`."""

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        """The answer, whose body is read later."""
        resp.stream = partial(_beginning, resp.stream, resp.close)
        return super().build_response(req, resp)


def _beginning(
    stream: Callable[..., Iterator[bytes]],
    hang_up: Callable[[], None],
    *args: Any,
    **options: Any,
) -> Iterator[bytes]:
    read = 0
    for piece in stream(*args, **options):
        yield piece
        read += len(piece)
        if read >= MOST_BYTES:
            hang_up()
            return


def read_beginnings_only() -> None:
    """From here on every session of this process reads no more. A second call changes nothing."""
    requests.sessions.HTTPAdapter = _Adapter  # type: ignore[attr-defined]  # what sessions look up
