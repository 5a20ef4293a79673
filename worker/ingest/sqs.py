"""SQS through boto3: receive, delete, give back. The only file that speaks AWS."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from process.settings import SettingsError
from worker.ingest.notification import Arrival
from worker.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient

QueueError = (BotoCoreError, ClientError)
"""What any call here may raise when SQS is away, refuses, or is not there."""

LONG_POLL_S = 20
READ_TIMEOUT_S = LONG_POLL_S + 10
ANSWER_TIMEOUT_S = 5.0
"""For all calls but receiving, which SQS answers at once: an ingester that stops waits for them."""
CONNECT_TIMEOUT_S = 5
BATCH_LIMIT = 10
"""SQS takes at most ten messages in one call."""
NO_MESSAGE = "buybox-doctor-handle-of-no-message"
"""A receipt handle that SQS never gave out."""


@dataclass(frozen=True, slots=True)
class Received:
    """A message in hand, with the handle by which it is deleted or given back."""

    arrival: Arrival
    receipt_handle: str


@dataclass(frozen=True, slots=True)
class QueueAttributes:
    """What SQS says about a queue. `redrive_policy` is its JSON text, None without one."""

    arn: str
    visible: int
    in_flight: int
    visibility_timeout_s: int
    redrive_policy: str | None


class Queue:
    """One SQS queue. Safe to use from several threads. Every method may raise QueueError.

    Messages are received through `receiver`, which waits for as long as a long poll takes, if it is
    given; all else goes through `client`.
    """

    def __init__(
        self, client: SQSClient, url: str, source: str, *, receiver: SQSClient | None = None
    ) -> None:
        self._client = client
        self._receiver = receiver or client
        self.url = url
        self.source = source

    def receive(
        self, *, max_messages: int, wait_s: int, visibility_timeout_s: int
    ) -> list[Received]:
        """Wait up to `wait_s` for messages; they stay hidden from others for the timeout."""
        answer = self._receiver.receive_message(
            QueueUrl=self.url,
            MaxNumberOfMessages=max_messages,
            WaitTimeSeconds=wait_s,
            VisibilityTimeout=visibility_timeout_s,
            MessageSystemAttributeNames=["SentTimestamp", "ApproximateReceiveCount"],
        )
        return [self._received(message) for message in answer.get("Messages", [])]

    def delete(self, receipt_handles: Sequence[str]) -> list[str]:
        """Delete messages; returns the handles that SQS says it could not delete."""
        failed: list[str] = []
        for batch in batches(receipt_handles):
            answer = self._client.delete_message_batch(
                QueueUrl=self.url,
                Entries=[{"Id": str(i), "ReceiptHandle": h} for i, h in enumerate(batch)],
            )
            failed += [batch[int(one["Id"])] for one in answer.get("Failed", [])]
        return failed

    def give_back(self, receipt_handles: Sequence[str]) -> None:
        """Make messages visible again at once, for whoever asks next."""
        for batch in batches(receipt_handles):
            self._client.change_message_visibility_batch(
                QueueUrl=self.url,
                Entries=[
                    {"Id": str(i), "ReceiptHandle": h, "VisibilityTimeout": 0}
                    for i, h in enumerate(batch)
                ],
            )

    def send(self, bodies: Sequence[str]) -> list[str]:
        """Send messages (the demo and tests do); returns their message ids, in order."""
        ids: list[str] = []
        for batch in batches(bodies):
            answer = self._client.send_message_batch(
                QueueUrl=self.url,
                Entries=[{"Id": str(i), "MessageBody": body} for i, body in enumerate(batch)],
            )
            sent = {one["Id"]: one["MessageId"] for one in answer["Successful"]}
            ids += [sent[str(i)] for i in range(len(batch))]
        return ids

    def attributes(self) -> QueueAttributes:
        """The queue's depth and settings."""
        found: dict[str, str] = dict(
            self._client.get_queue_attributes(QueueUrl=self.url, AttributeNames=["All"])[
                "Attributes"
            ].items()
        )
        return QueueAttributes(
            arn=found.get("QueueArn", ""),
            visible=int(found.get("ApproximateNumberOfMessages", 0)),
            in_flight=int(found.get("ApproximateNumberOfMessagesNotVisible", 0)),
            visibility_timeout_s=int(found.get("VisibilityTimeout", 30)),
            redrive_policy=found.get("RedrivePolicy"),
        )

    def may_delete(self) -> bool:
        """Whether we may delete. Asked with the handle of no message, so that none is touched."""
        return _is_permitted(lambda: self.delete([NO_MESSAGE]))

    def may_give_back(self) -> bool:
        """Whether we may change visibility. Asked with the handle of no message."""
        return _is_permitted(lambda: self.give_back([NO_MESSAGE]))

    def _received(self, message: Any) -> Received:
        attributes = message.get("Attributes", {})
        sent_ms = attributes.get("SentTimestamp")
        return Received(
            Arrival(
                body=message["Body"].encode("utf-8", "surrogatepass"),
                message_id=message["MessageId"],
                source=self.source,
                sent_at=datetime.fromtimestamp(int(sent_ms) / 1000, UTC) if sent_ms else None,
                receive_count=int(attributes.get("ApproximateReceiveCount", 1)),
            ),
            message["ReceiptHandle"],
        )


def is_denied(error: Exception) -> bool:
    """Whether AWS refused for want of a permission."""
    return isinstance(error, ClientError) and error_code(error).startswith("AccessDenied")


def is_answered(error: Exception) -> bool:
    """Whether SQS said no, and did not just stay silent."""
    return isinstance(error, ClientError)


def error_code(error: Exception) -> str:
    """AWS's own name for what went wrong, such as AccessDenied; else the error's type."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "unknown"))
    return type(error).__name__


def _is_permitted(call: Callable[[], object]) -> bool:
    """False when AWS denies the call; true when it only finds that there is no such message."""
    try:
        call()
    except ClientError as error:
        if is_denied(error):
            return False
        if "ReceiptHandleIsInvalid" not in error_code(error):
            raise
    return True


def connect_sqs(
    settings: Settings, *, read_timeout_s: float = READ_TIMEOUT_S, attempts: int = 2
) -> SQSClient:
    """A client for the settings' region or emulator. Connects at the first call.

    Further retries are left to the callers: they know whether to wait, and for how long. Raises
    SettingsError for what boto3 refuses: half of the keys, or no such region or profile.
    """
    try:
        return boto3.client(
            "sqs",
            region_name=settings.region,
            endpoint_url=settings.sqs_endpoint_url,
            config=Config(
                connect_timeout=min(CONNECT_TIMEOUT_S, read_timeout_s),
                read_timeout=read_timeout_s,
                retries={"total_max_attempts": attempts, "mode": "standard"},
                max_pool_connections=100,
            ),
        )
    except (BotoCoreError, ValueError) as error:
        raise SettingsError(f"SQS cannot be asked with these settings: {error}") from None


def open_queues(settings: Settings, client: SQSClient | None = None) -> list[Queue]:
    """The queues the settings name, the most urgent first."""
    receiver = client or connect_sqs(settings)
    client = client or connect_sqs(settings, read_timeout_s=ANSWER_TIMEOUT_S, attempts=1)
    named = (
        (settings.sqs_high_priority_queue_url, "sqs-high"),
        (settings.sqs_queue_url, "sqs"),
        (settings.sqs_low_priority_queue_url, "sqs-low"),
    )
    return [Queue(client, url, source, receiver=receiver) for url, source in named if url]


def open_dead_letter_queue(settings: Settings, client: SQSClient | None = None) -> Queue | None:
    """The dead letter queue, which is only ever looked at."""
    if not settings.dlq_url:
        return None
    return Queue(client or connect_sqs(settings), settings.dlq_url, "dlq")


def create_queue(client: SQSClient, name: str, *, attributes: Mapping[str, str]) -> str:
    """Create a queue (the demo and tests do); returns its URL."""
    found: Mapping[Any, str] = attributes
    return client.create_queue(QueueName=name, Attributes=dict(found))["QueueUrl"]


def batches(items: Sequence[str]) -> Iterator[Sequence[str]]:
    """The items in groups that one SQS call takes."""
    for start in range(0, len(items), BATCH_LIMIT):
        yield items[start : start + BATCH_LIMIT]
