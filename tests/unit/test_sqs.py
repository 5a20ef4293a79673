"""The SQS wrapper against a stubbed client: batches, failures, attributes."""

from __future__ import annotations

from typing import Any

from worker.ingest.sqs import Queue, batches


class Client:
    """Remembers the batches it was sent and fails the handles it is told to."""

    def __init__(self, *failing: str) -> None:
        self.failing = set(failing)
        self.calls: list[list[dict[str, Any]]] = []

    def delete_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> Any:
        self.calls.append(Entries)
        failed = [e for e in Entries if e["ReceiptHandle"] in self.failing]
        return {"Successful": [], "Failed": [{"Id": e["Id"]} for e in failed]}

    def change_message_visibility_batch(
        self, *, QueueUrl: str, Entries: list[dict[str, Any]]
    ) -> Any:
        self.calls.append(Entries)
        return {}


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
