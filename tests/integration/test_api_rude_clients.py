"""Clients that never end what they begin: each costs the server little memory, and not for long."""

from __future__ import annotations

import contextlib
import socket

import pytest
from structlog.testing import capture_logs

import api.server
from api.server import MAX_HEAD_BYTES, MAX_WAITING
from tests.dashboard import streaming
from tests.interleave import PATIENCE_S

CHUNK = b"x" * 65_536
CHUNKS = 512
"""Together 32 MB, far beyond what the head of a request may have."""


def connected(url):
    host, _, port = url.removeprefix("http://").partition(":")
    return contextlib.closing(socket.create_connection((host, int(port)), timeout=PATIENCE_S))


def answer(client) -> bytes:
    """All that the server says until it ends the connection."""
    said = b""
    with contextlib.suppress(ConnectionError):
        while piece := client.recv(65_536):
            said += piece
    return said


@pytest.mark.parametrize(
    ("begin", "more"),
    [
        (b"GET /api/health?", CHUNK),
        (b"GET /api/health HTTP/1.1\r\nHost: x\r\nCookie: ", CHUNK),
        (b"GET /api/health HTTP/1.1\r\nHost: x\r\n", b"A: b\r\n" * 10_000),
        (
            b"POST /api/session HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: ",
            CHUNK,
        ),
        (b"POST /api/session HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;", CHUNK),
    ],
    ids=["query", "header", "headers", "trailer", "chunk extension"],
)
def test_a_request_whose_head_does_not_end_is_refused(module_api, begin, more):
    with connected(module_api.url) as client:
        sent = 0
        with contextlib.suppress(ConnectionError):
            client.sendall(begin)
            for _ in range(CHUNKS):
                client.sendall(more)
                sent += len(more)
        assert sent < CHUNKS * len(more), "the server took all of it"
        assert answer(client)[:12] in {b"", b"HTTP/1.1 400"}  # a cut may overtake the answer


def test_who_is_refused_is_told_why(module_api):
    with connected(module_api.url) as client:
        client.sendall(b"GET / HTTP/1.1\r\nCookie: ".ljust(MAX_HEAD_BYTES + 1, b"c"))
        assert b"The head of a request may have 131072 bytes" in answer(client)


def test_what_a_cursor_and_a_page_may_have_fits_into_a_head(module_api):
    with module_api.client() as client:
        page, cursor = "p" * 40_000, "c" * 20_000
        found = client.get("/api/state", params={"page": page}, headers={"Last-Event-ID": cursor})
        assert found.status_code == 422  # it was read


@pytest.mark.parametrize(
    "pieces",
    [
        [],
        [b"GET /api/health HT"],
        [b"GET /api/health HTTP/1.1\r\nHost: x\r\n", b"A: b\r\n", b"A: b\r\n"],
        [b"POST /api/session HTTP/1.1\r\nHost: x\r\nContent-Length: 90\r\n\r\n", b"{", b" "],
        [b"GET /api/health HTTP/1.1\r\nHost: x\r\n\r\n", b"\r\n", b"\r\n"],
    ],
    ids=["nothing", "a line", "a head", "a body", "a second one"],
)
def test_who_does_not_end_a_request_is_cut_off(module_api, monkeypatch, pieces):
    """A connection is a file of the process, which has a thousand or so."""
    monkeypatch.setattr(api.server, "REQUEST_S", 0.5)
    with connected(module_api.url) as client:
        for piece in pieces:
            client.sendall(piece)
        assert answer(client)[:12] in {b"", b"HTTP/1.1 200"}


def test_a_stream_goes_on_for_longer_than_a_request_may_take(module_api, emptied, monkeypatch):
    monkeypatch.setattr(api.server, "REQUEST_S", 0.2)
    with streaming(module_api.url) as stream:
        stream.next("cursor")
        assert stream.poll(timeout_s=1) is None


ASK = b"GET /api/health HTTP/1.1\r\nHost: x\r\n\r\n"


def test_requests_that_do_not_wait_for_their_answers_are_answered_all_the_same(module_api):
    with connected(module_api.url) as client:
        for _ in range(5):
            client.sendall(ASK * MAX_WAITING)
            said = b""
            while said.count(b"HTTP/1.1 200") < MAX_WAITING:
                said += client.recv(65_536)


def test_too_many_requests_at_once_are_refused(module_api):
    """Each that waits holds some kilobytes: one connection took 85 MB a second, without a token."""
    with connected(module_api.url) as client:
        client.sendall(ASK * 10 * MAX_WAITING)
        said = answer(client)
    assert said.count(b"HTTP/1.1 200") < 10 * MAX_WAITING
    assert said.count(b"HTTP/1.1 400") <= 1  # a cut may overtake it


@pytest.mark.parametrize(
    "behind",
    [ASK * 10 * MAX_WAITING, b"junk\r\n\r\n", ASK * 3 + b"junk\r\n\r\n"],
    ids=["too many", "no request", "no request behind several"],
)
def test_a_connection_that_is_refused_under_way_is_no_defect_of_ours(module_api, behind):
    """What is answered at that moment can be written no more."""
    with capture_logs() as lines, connected(module_api.url) as client:
        client.sendall(ASK.replace(b"health", b"state") + behind)
        answer(client)
        with module_api.client() as other:
            other.get("/api/state")
    assert [line for line in lines if line["log_level"] == "error"] == []
