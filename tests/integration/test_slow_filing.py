"""The ingester when a transaction is too much for the database, or kept small: none lost."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest
from botocore.exceptions import EndpointConnectionError

from db.failures import list_failures
from tests.factories import any_offer_changed, arrival, body
from tests.interleave import Background, counts, letter, until
from worker.ingest import service
from worker.ingest.buffer import InHand
from worker.ingest.service import Ingester
from worker.ingest.sqs import Received
from worker.settings import Settings


class Recorder:
    """Stands where a queue stands, and keeps what was deleted and given back."""

    source = url = "sqs"

    def __init__(self) -> None:
        self.deleted: list[str] = []
        self.given_back: list[str] = []

    def delete(self, handles: Sequence[str]) -> list[str]:
        self.deleted += handles
        return []

    def give_back(self, handles: Sequence[str]) -> None:
        self.given_back += handles


class Supply(Recorder):
    """Hands out messages, and then lets its receivers wait as a long poll does."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self._lock, self._nothing_more = threading.Lock(), threading.Event()
        self._left = [Received(arrival(any_offer_changed()), str(n)) for n in range(count)]

    def receive(self, *, max_messages: int, wait_s: int, visibility_timeout_s: int):
        with self._lock:
            given, self._left = self._left[:max_messages], self._left[max_messages:]
        if not given:
            self._nothing_more.wait(0.1)
        return given

    def attributes(self):
        raise EndpointConnectionError(endpoint_url="nowhere")


@pytest.fixture
def at_most(monkeypatch):
    """Every T1 with more letters than this takes longer than the database allows."""
    real = service.file_letters

    def limit(most: int) -> None:
        def file_letters(conn, letters, filer, *, now):
            if len(letters) > most:
                conn.execute("SET statement_timeout = '1ms'")
                conn.execute("SELECT pg_sleep(30)")
            return real(conn, letters, filer, now=now)

        monkeypatch.setattr(service, "file_letters", file_letters)

    return limit


def in_hand(queue: Recorder, count: int) -> list[InHand]:
    return [InHand(queue, str(n), letter()) for n in range(count)]


def ingester_of(database_url, queue):
    settings = Settings(database_url=database_url, sqs_queue_url="http://127.0.0.1/q")
    return Ingester(settings, queues=[queue])


def test_what_is_too_much_for_one_transaction_is_filed_in_smaller_ones(database_url, conn, at_most):
    queue = Recorder()
    ingester = ingester_of(database_url, queue)
    at_most(3)
    ingester._file([*in_hand(queue, 10), InHand(queue, "broken", letter(body({"a": 1})))])
    ingester.stop()
    ingester.run()

    assert counts(conn)["worker_notifications"] == 10
    assert len(list_failures(conn)) == 1
    assert sorted(queue.deleted) == sorted([*map(str, range(10)), "broken"])
    assert not queue.given_back


def test_told_to_stop_meanwhile_it_gives_back_what_it_has_not_begun(database_url, conn, at_most):
    queue = Recorder()
    ingester = ingester_of(database_url, queue)
    at_most(0)
    ingester.stop()
    ingester._file(in_hand(queue, 4))
    ingester.run()

    assert counts(conn)["worker_notifications"] == 0
    assert sorted(queue.given_back) == ["0", "1", "2", "3"]
    assert not queue.deleted


def test_one_message_that_is_too_much_by_itself_shuts_the_gate(database_url, at_most):
    """It can't be halved: it is tried again after a while, and meanwhile no more are received."""
    queue = Recorder()
    ingester = ingester_of(database_url, queue)
    at_most(0)
    ingester.stop()
    ingester._file(in_hand(queue, 1))
    assert list(ingester._gate.reasons) == ["filing"]
    assert queue.given_back == ["0"]


@pytest.mark.parametrize("most", [1, 4])
def test_transactions_smaller_than_half_a_receive_call_are_filled_all_the_same(
    database_url, conn, most
):
    """A receiver asks for room for a whole call before it receives."""
    queue = Supply(25)
    settings = Settings(
        database_url=database_url,
        sqs_queue_url="http://127.0.0.1/q",
        transaction_max_messages=most,
    )
    ingester = Ingester(settings, queues=[queue])
    running = Background(ingester.run)
    try:
        until(lambda: len(queue.deleted) == 25, "all were filed", unless=running.done)
    finally:
        ingester.stop()
        running.result()
    assert counts(conn)["worker_notifications"] == 25
