"""The ingester's threads one by one: what each does with messages when SQS or the database does not."""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from concurrent.futures import wait

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from tests.factories import ASIN, GB, OWN_SELLER, any_offer_changed, arrival
from tests.interleave import Background, letter, until
from worker.ingest import service
from worker.ingest.buffer import InHand
from worker.ingest.filing import Filed
from worker.ingest.service import Ingester
from worker.ingest.sqs import Received
from worker.ingest.tally import Tally
from worker.settings import Settings

UNREACHABLE = EndpointConnectionError(endpoint_url="nowhere")
REFUSED = ClientError({"Error": {"Code": "AccessDenied"}}, "ChangeMessageVisibilityBatch")


class AtOnce(random.Random):
    """The shortest delays that a jitter may give."""

    def random(self) -> float:
        return 0.0


class Scripted:
    """Stands where a queue stands: answers as it was told, and keeps what it was asked."""

    source = url = "sqs"

    def __init__(self, *answers: object) -> None:
        self.asked: list[object] = []
        self._answers = list(answers)

    def _answer(self, asked: object, otherwise: object) -> object:
        self.asked.append(asked)
        found = self._answers.pop(0) if self._answers else otherwise
        if isinstance(found, Exception):
            raise found
        return found() if callable(found) else found

    def receive(self, *, max_messages: int, wait_s: int, visibility_timeout_s: int):
        return self._answer("receive", received(max_messages))

    def delete(self, handles: Sequence[str]):
        return self._answer(list(handles), [])

    def give_back(self, handles: Sequence[str]) -> None:
        self._answer(list(handles), None)

    def attributes(self):
        raise UNREACHABLE


def received(count: int) -> list[Received]:
    return [Received(arrival(any_offer_changed()), str(n)) for n in range(count)]


def ingester_of(*queues: Scripted, **options: object) -> Ingester:
    """One whose database is away."""
    settings = Settings(
        database_url="postgresql://nobody@127.0.0.1:1/none",
        sqs_queue_url="http://127.0.0.1/q",
        transaction_max_messages=10,
        **options,
    )
    return Ingester(settings, queues=queues, jitter=AtOnce())


def calls_of(owner: object, name: str) -> list[object]:
    """The calls of a method from now on."""
    calls: list[object] = []
    act = getattr(owner, name)
    setattr(owner, name, lambda *args, **given: (calls.append(args), act(*args, **given))[1])
    return calls


# receiving ----------------------------------------------------------------------------------------


def test_no_more_is_received_than_there_is_room_for() -> None:
    """Whatever is in hand while the database is slow is hidden from others, and runs out of time."""
    queue = Scripted()
    ingester = ingester_of(queue)
    tries = calls_of(ingester._buffer, "wait_for_room")
    receiving = Background(ingester._receive, queue)
    until(lambda: len(tries) > 3, "it waited for room in vain", unless=receiving.done)
    assert (len(ingester._buffer), len(queue.asked)) == (20, 2)
    assert ingester.tally.as_dict()["received"] == 20
    ingester.stop()
    receiving.result()


def test_nothing_is_received_while_the_gate_is_shut() -> None:
    queue = Scripted()
    ingester = ingester_of(queue)
    ingester._gate.shut("database", "refused")
    tries = calls_of(ingester._gate, "wait_open")
    receiving = Background(ingester._receive, queue)
    until(lambda: len(tries) > 1, "it waited before it in vain", unless=receiving.done)
    assert not queue.asked
    ingester._gate.open("database")
    until(lambda: len(ingester._buffer), "it received", unless=receiving.done)
    ingester.stop()
    receiving.result()


def test_a_queue_that_fails_is_asked_again_after_longer_and_longer_waits() -> None:
    """And after the shortest again once it has answered."""
    queue = Scripted(UNREACHABLE, REFUSED, [], UNREACHABLE)
    ingester = ingester_of(queue)
    waits = calls_of(ingester._stop, "wait")
    receiving = Background(ingester._receive, queue)
    until(lambda: len(ingester._buffer), "it received", unless=receiving.done)
    assert waits == [(0.25,), (0.5,), (0.25,)]
    ingester.stop()
    receiving.result()
    assert ingester.tally.as_dict()["receive_errors"] == 3


def test_old_messages_that_do_not_say_whose_they_are_are_the_configured_seller_s() -> None:
    summary = {"asin": ASIN, "marketplaceId": GB, "itemCondition": "Used", "offers": []}
    message = {
        "notificationType": "ANY_OFFER_CHANGED",
        "eventTime": "2025-03-04T10:15:30.250Z",
        "payload": {"anyOfferChangedNotification": {"offerChangeSummary": summary}},
    }
    queue = Scripted([Received(arrival(message), "old")])
    ingester = ingester_of(queue, seller_id=OWN_SELLER, batch_size=1)
    receiving = Background(ingester._receive, queue)
    until(lambda: len(ingester._buffer), "it received", unless=receiving.done)
    ingester.stop()
    receiving.result()
    first = ingester._buffer.drain()[0]
    assert first.letter.read.seller_id == OWN_SELLER


def test_what_a_long_poll_brings_after_the_end_is_given_back() -> None:
    ingester: Ingester

    def too_late() -> list[Received]:
        ingester.stop()
        return received(2)

    queue = Scripted(too_late)
    ingester = ingester_of(queue)
    ingester._receive(queue)
    assert queue.asked == ["receive", ["0", "1"]]
    assert (len(ingester._buffer), ingester.tally.as_dict()["given_back"]) == (0, 2)


def test_a_defect_in_a_thread_ends_the_ingester_instead_of_leaving_it_deaf() -> None:
    queue = Scripted()
    queue.attributes = lambda: 1 // 0
    running = Background(ingester_of(queue).run)
    with pytest.raises(ZeroDivisionError, match="division"):
        running.result()


# filing and deleting ------------------------------------------------------------------------------


def in_hand(queue: Scripted, *handles: str) -> list[InHand]:
    return [InHand(queue, handle, letter()) for handle in handles]


def test_what_the_database_does_not_take_is_neither_deleted_nor_kept() -> None:
    queue = Scripted()
    ingester = ingester_of(queue)
    ingester.stop()
    ingester._file(in_hand(queue, "a", "b"))
    assert queue.asked == [["a", "b"]]
    assert ingester.tally.as_dict()["given_back"] == 2
    assert list(ingester._gate.reasons) == ["filing"]


def test_while_the_database_is_away_what_is_in_hand_stays_there() -> None:
    """Given back each time, good messages would come to the dead letter queue in an outage."""
    queue = Scripted()
    ingester = ingester_of(queue)
    tries = calls_of(ingester, "_transact")
    filing = Background(ingester._file, in_hand(queue, "a", "b"))
    until(lambda: len(tries) > 2, "it tried three times", unless=filing.done)
    assert not queue.asked
    ingester.stop()
    filing.result()
    assert queue.asked == [["a", "b"]]


@pytest.mark.parametrize(
    ("answers", "asked", "failed"),
    [
        ([[]], [["a", "b"]], 0),
        ([["b"], []], [["a", "b"], ["b"]], 0),
        ([["b"], ["b"]], [["a", "b"], ["b"]], 1),
        ([UNREACHABLE, []], [["a", "b"], ["a", "b"]], 0),
        ([UNREACHABLE, UNREACHABLE], [["a", "b"], ["a", "b"]], 2),
    ],
)
def test_what_could_not_be_deleted_is_tried_once_more(answers, asked, failed) -> None:
    """The rest comes again, and is a repeat."""
    queue = Scripted(*answers)
    ingester = ingester_of(queue)
    ingester._delete(queue, ["a", "b"])
    assert queue.asked == asked
    tally = ingester.tally.as_dict()
    assert (tally["deleted"], tally["delete_failures"]) == (2 - failed, failed)


def test_told_to_stop_it_does_not_try_to_delete_once_more() -> None:
    queue = Scripted(["b"])
    ingester = ingester_of(queue)
    ingester.stop()
    ingester._delete(queue, ["a", "b"])
    assert queue.asked == [["a", "b"]]


@pytest.mark.parametrize(("error", "both"), [(REFUSED, True), (UNREACHABLE, False)])
def test_what_one_queue_refuses_is_given_back_to_the_next_unless_nobody_answers(error, both):
    """There is no time to wait for an answer of each."""
    first, second = Scripted(error), Scripted()
    ingester = ingester_of(first, second)
    ingester._give_back([*in_hand(first, "a"), *in_hand(second, "b", "c")])
    assert second.asked == ([["b", "c"]] if both else [])
    assert ingester.tally.as_dict()["given_back"] == (2 if both else 0)


def test_as_many_are_deleted_at_once_as_are_received() -> None:
    """A call takes as long for the one as for the other, and ten messages each."""
    together = threading.Barrier(6, timeout=3)
    queue = Scripted(*[lambda: [] if together.wait() >= 0 else None] * 6)
    ingester = ingester_of(queue, receivers=6)
    for handle in "abcdef":
        ingester._delete_later(in_hand(queue, handle))
    wait(ingester._deletes)
    assert ingester.tally.as_dict()["deleted"] == 6


def test_while_deletes_do_not_keep_up_nothing_more_is_filed() -> None:
    """What is not deleted in time comes again, and what waits to be deleted is kept in memory."""
    let_go = threading.Event()
    queue = Scripted()
    queue.delete = lambda _: [] if let_go.wait(20) else None
    ingester = ingester_of(queue)
    ingester._watchman.run = lambda _: None
    ingester._watchman.farewell = lambda: None
    ingester._transact = lambda in_hand: Filed(len(in_hand))
    pauses = calls_of(ingester, "_deletes_keep_up")
    running = Background(ingester.run)
    most = 4 * (1 + service.DELETES_WAITING)
    until(lambda: len(ingester._deletes) >= most, "they were many", unless=running.done)
    looked = len(pauses)
    until(lambda: len(pauses) > looked + 2, "it looked again", unless=running.done)
    assert len(ingester._deletes) == ingester.tally.as_dict()["transactions"] == most
    let_go.set()
    until(
        lambda: ingester.tally.as_dict()["transactions"] > most, "it went on", unless=running.done
    )
    ingester.stop()
    running.result()


# stopping -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", ["database", "filing"])
def test_at_the_end_what_the_database_does_not_take_is_given_back_untried(reason) -> None:
    """A try takes seconds, and the platform kills what is not gone in time."""
    queue = Scripted()
    ingester = ingester_of(queue)
    ingester._watchman.farewell = lambda: None
    ingester._buffer.put(queue.source, in_hand(queue, "a", "b"))
    ingester._gate.shut(reason, "refused")
    ingester.stop()
    tries = calls_of(ingester, "_transact")
    ingester._wind_up([])
    assert (tries, queue.asked) == ([], [["a", "b"]])


def test_at_the_end_what_is_in_hand_is_filed_before_the_rest_is_given_back() -> None:
    queue = Scripted()
    ingester = ingester_of(queue)
    ingester._watchman.farewell = lambda: None
    filed: list[InHand] = []
    ingester._file = filed.extend
    ingester._buffer.put(queue.source, in_hand(queue, *map(str, range(15))))
    ingester._wind_up([])
    assert sorted(int(one.receipt_handle) for one in filed) == [*range(15)]
    assert queue.asked == []


def test_the_last_deletes_are_waited_for_before_the_ingester_says_farewell(monkeypatch) -> None:
    """Cut off, what was filed comes again, each time an ingester is renewed."""
    order: list[str] = []
    waited_for = threading.Event()

    def delete() -> list[str]:
        waited_for.wait(5)
        order.append("deleted")
        return []

    def wait_and_let_go(futures, timeout):
        waited_for.set()
        return wait(futures, timeout)

    monkeypatch.setattr(service, "wait", wait_and_let_go)
    queue = Scripted(delete, delete)
    ingester = ingester_of(queue)
    ingester._watchman.farewell = lambda: order.append("farewell")
    ingester._delete_later(in_hand(queue, "a"))
    ingester._delete_later(in_hand(queue, "b"))
    ingester._wind_up([])
    assert order == ["deleted", "deleted", "farewell"]
    assert ingester.tally.as_dict()["deleted"] == 2


def test_each_thing_that_was_committed_is_counted_under_its_own_name() -> None:
    tally = Tally()
    tally.add_filed(Filed(stored=9, repeats=5, ignored=3, rejected=2, jobs=4))
    tally.add_filed(Filed(stored=1, ignored=1))
    counted = {name: count for name, count in tally.as_dict().items() if count}
    assert counted == {
        "stored": 10, "repeats": 5, "ignored": 4, "rejected": 2, "transactions": 2,
    }  # fmt: skip
