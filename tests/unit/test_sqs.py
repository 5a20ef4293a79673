"""The SQS wrapper against a stubbed client: batches, failures, attributes."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from process.settings import SettingsError
from worker.ingest.sqs import (
    LONG_POLL_S,
    READ_TIMEOUT_S,
    Queue,
    QueueAttributes,
    batches,
    connect_sqs,
    is_denied,
    open_queues,
)
from worker.settings import Settings


class Client:
    """Remembers the batches it was sent and fails the handles it is told to."""

    def __init__(self, *failing: str) -> None:
        self.failing = set(failing)
        self.calls: list[list[dict[str, Any]]] = []
        self.messages: list[dict[str, Any]] = []
        self.asked: dict[str, Any] = {}

    def delete_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> Any:
        self.calls.append(Entries)
        failed = [e for e in Entries if e["ReceiptHandle"] in self.failing]
        return {"Successful": [], "Failed": [{"Id": e["Id"]} for e in failed]}

    def change_message_visibility_batch(
        self, *, QueueUrl: str, Entries: list[dict[str, Any]]
    ) -> Any:
        self.calls.append(Entries)
        return {}

    def receive_message(self, **asked: Any) -> Any:
        self.asked = asked
        return {"Messages": self.messages} if self.messages else {}

    def get_queue_attributes(self, **_: Any) -> Any:
        return {
            "Attributes": {
                "QueueArn": "arn:aws:sqs:eu-west-1:1:main",
                "ApproximateNumberOfMessages": "7",
                "ApproximateNumberOfMessagesNotVisible": "3",
                "VisibilityTimeout": "120",
            }
        }


@pytest.mark.parametrize(
    ("environment", "settings", "named"),
    [
        ({"AWS_SECRET_ACCESS_KEY": ""}, {}, "missing: AWS_SECRET_ACCESS_KEY"),
        ({"AWS_PROFILE": "nobody"}, {}, "nobody"),
        ({}, {"aws_region": '"eu-west-1"'}, '"eu-west-1"'),
        ({}, {"sqs_endpoint_url": "http://sqs_emulator:9324"}, "sqs_emulator"),
    ],
)
def test_what_no_client_can_be_made_of_is_a_mistake_in_the_settings(
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    settings: dict[str, str],
    named: str,
) -> None:
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=re.escape(named)) as caught:
        connect_sqs(Settings(**settings))
    assert "\n" not in str(caught.value)


def received(client: Client) -> Any:
    return Queue(client, "url", "sqs-high").receive(
        max_messages=7, wait_s=20, visibility_timeout_s=90
    )


def test_a_receive_call_asks_for_what_it_was_told_and_for_what_is_kept() -> None:
    client = Client()
    assert received(client) == []
    assert client.asked == {
        "QueueUrl": "url",
        "MaxNumberOfMessages": 7,
        "WaitTimeSeconds": 20,
        "VisibilityTimeout": 90,
        "MessageSystemAttributeNames": ["SentTimestamp", "ApproximateReceiveCount"],
    }


def test_a_message_comes_with_its_time_in_the_queue_and_how_often_it_was_received() -> None:
    """SQS tells the time in milliseconds, and numbers as text."""
    client = Client()
    told = {"SentTimestamp": "1741083330250", "ApproximateReceiveCount": "3"}
    message = {"MessageId": "m-1", "ReceiptHandle": "h-1", "Body": "{}"}
    client.messages = [message | {"Attributes": told}, message]
    one, bare = received(client)
    assert one.arrival.sent_at == datetime(2025, 3, 4, 10, 15, 30, 250_000, tzinfo=UTC)
    assert (one.arrival.receive_count, one.arrival.body) == (3, b"{}")
    assert (one.arrival.message_id, one.arrival.source) == ("m-1", "sqs-high")
    assert one.receipt_handle == "h-1"
    assert (bare.arrival.sent_at, bare.arrival.receive_count) == (None, 1)


def test_half_a_character_in_a_body_does_not_end_the_receiver() -> None:
    client = Client()
    client.messages = [{"MessageId": "m", "ReceiptHandle": "h", "Body": "\ud800"}]
    (one,) = received(client)
    assert one.arrival.body == b"\xed\xa0\x80"


def test_what_is_visible_is_told_from_what_is_in_somebody_s_hands() -> None:
    assert Queue(Client(), "url", "sqs").attributes() == QueueAttributes(
        "arn:aws:sqs:eu-west-1:1:main", 7, 3, 120, None
    )


def test_the_urgent_queue_comes_first_and_each_has_its_own_source() -> None:
    """The order is that of the buffer's shares; the source decides the head start."""
    host = "http://127.0.0.1/1"
    settings = Settings(
        sqs_queue_url=f"{host}/usual",
        sqs_high_priority_queue_url=f"{host}/high",
        sqs_low_priority_queue_url=f"{host}/low",
    )
    found = [(queue.url, queue.source) for queue in open_queues(settings, Client())]
    assert found == [
        (f"{host}/high", "sqs-high"),
        (f"{host}/usual", "sqs"),
        (f"{host}/low", "sqs-low"),
    ]


def test_the_answer_of_a_long_poll_is_waited_for() -> None:
    assert READ_TIMEOUT_S > LONG_POLL_S


@pytest.mark.parametrize("code", ["AccessDenied", "AccessDeniedException"])
def test_a_denial_is_told_from_a_queue_that_is_not_there(code: str) -> None:
    """The second is no answer to whether we may delete, and must not read as a yes."""
    assert is_denied(ClientError({"Error": {"Code": code}}, "DeleteMessageBatch"))
    gone = ClientError({"Error": {"Code": "QueueDoesNotExist"}}, "DeleteMessageBatch")
    assert not is_denied(gone)

    class Gone(Client):
        def delete_message_batch(self, **_: Any) -> Any:
            raise gone

    with pytest.raises(ClientError):
        Queue(Gone(), "url", "sqs").may_delete()


def test_a_delete_goes_in_batches_of_ten_and_names_what_failed() -> None:
    client = Client("h3", "h17")
    failed = Queue(client, "url", "sqs").delete([f"h{n}" for n in range(23)])
    assert failed == ["h3", "h17"]
    assert [len(call) for call in client.calls] == [10, 10, 3]


def test_giving_back_sets_the_visibility_to_zero() -> None:
    client = Client()
    Queue(client, "url", "sqs").give_back(["a"])
    assert client.calls == [[{"Id": "0", "ReceiptHandle": "a", "VisibilityTimeout": 0}]]


def test_no_messages_are_no_call() -> None:
    assert list(batches([])) == []
