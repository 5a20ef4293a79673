"""The settings of ingestion, analysis and the command line.

A test compares the table in README.md with this class.
"""

from __future__ import annotations

import base64
import re
from decimal import Decimal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from process.settings import ProcessSettings, load
from worker.analysis.severity import PolicyName
from worker.delivery.channels.carrier import USUAL_SCHEMES

KEY_BYTES = 32
_URL = re.compile(r"https?://[^/\s]+(/\S*)?")
_SQS_HOST_REGION = re.compile(r"//sqs\.([a-z0-9-]+)\.amazonaws\.com")


class Settings(ProcessSettings):
    """All settings of the worker. Times end in their unit; an unset optional is None."""

    sqs_queue_url: str | None = Field(
        None, description="the queue Amazon's notifications arrive on"
    )
    sqs_high_priority_queue_url: str | None = Field(
        None, description="optional: a queue whose messages go first"
    )
    sqs_low_priority_queue_url: str | None = Field(
        None, description="optional: a queue whose messages may wait"
    )
    dlq_url: str | None = Field(None, description="the queue's dead letter queue, watched only")
    sqs_endpoint_url: str | None = Field(None, description="an emulator in place of AWS")
    aws_region: str | None = Field(None, description="the queues' region (default: from the URL)")
    visibility_timeout: int = Field(
        120, ge=10, le=43_200, description="seconds a received message stays hidden from others"
    )
    batch_size: int = Field(10, ge=1, le=10, description="messages per receive call, 10 at most")
    receivers: int = Field(2, ge=1, le=32, description="receivers at once on each queue")
    transaction_max_messages: int = Field(
        100, ge=1, le=1000, description="messages in one ingest transaction, at most"
    )
    transaction_max_wait_ms: int = Field(
        50, ge=0, le=5000, description="how long an ingest transaction waits to fill"
    )
    max_backlog_age_seconds: int = Field(
        900,
        ge=1,
        le=604_800,
        description="stop receiving while the oldest waiting message is older",
    )
    priority_head_start_seconds: int = Field(
        60,
        ge=0,
        le=3600,
        description="head start of a queue's jobs over those of the next lower queue",
    )
    seller_id: str | None = Field(
        None, description="own seller for old-layout messages that do not say whose they are"
    )

    max_receive_count: int = Field(
        3, ge=1, le=100, description="attempts at analysing a message before it is a dead letter"
    )
    severity_policy: PolicyName = Field("full", description="full, or the simpler mvp")
    sales_threshold: Decimal = Field(
        Decimal(1), ge=0, description="critical needs more estimated sales a day than this"
    )
    worker_concurrency: int = Field(
        1, ge=1, le=64, description="analysis transactions at once in one worker"
    )
    fetch_interval_seconds: float = Field(
        0.5, gt=0, le=60, description="how often the worker looks for jobs although no bell rang"
    )
    # At most half the silence that ops.worker_health calls lost: one late beat is no alarm.
    heartbeat_seconds: float = Field(
        10, gt=0, le=15, description="a worker's sign of life, 15 at most; silent for 30 it is lost"
    )
    stalled_after_seconds: float = Field(
        30, gt=0, le=3600, description="a silent worker's jobs are given to others after this"
    )
    job_max_seconds: int = Field(
        300, ge=10, le=86_400, description="a job that runs for longer is put back"
    )
    claim_max_products: int = Field(
        64, ge=0, le=1000, description="other products one analysis transaction takes along"
    )
    claim_max_notifications: int = Field(
        200, ge=1, le=5000, description="notifications in one analysis transaction, at most"
    )

    secret_key: str | None = Field(
        None,
        repr=False,
        description="encrypts channel addresses; several keys with commas while it is changed",
    )
    channel_schemes: str = Field(
        USUAL_SCHEMES, description="the kinds of address that routes may use"
    )
    allow_private_channels: bool = Field(
        False, description="let routes lead into private networks and to this machine"
    )
    smtp_url: str | None = Field(
        None, repr=False, description="the mail server, smtps://user:password@host:465"
    )
    mail_from: str | None = Field(None, description="the address alerts come from")
    delivery_threads: int = Field(
        4, ge=1, le=64, description="deliveries at once in one worker, one per route"
    )
    delivery_timeout_seconds: float = Field(
        10, gt=0, le=120, description="one attempt at a delivery, from connecting to the answer"
    )
    delivery_max_attempts: int = Field(
        8, ge=1, le=100, description="failed attempts after which a delivery has failed"
    )
    delivery_max_hours: float = Field(
        12,
        gt=0,
        le=168,
        description="a failed delivery that was due longer ago than this is not tried again",
    )

    @field_validator("stalled_after_seconds")
    @classmethod
    def _longer_than_the_heartbeat(cls, value: float, info: object) -> float:
        heartbeat = getattr(info, "data", {}).get("heartbeat_seconds")
        if heartbeat is not None and value < 2 * heartbeat:
            raise ValueError(
                "must be at least twice HEARTBEAT_SECONDS, or living workers look dead"
            )
        return value

    @field_validator(
        "sqs_queue_url",
        "sqs_high_priority_queue_url",
        "sqs_low_priority_queue_url",
        "dlq_url",
        "sqs_endpoint_url",
    )
    @classmethod
    def _is_url(cls, value: str | None) -> str | None:
        if value is not None and not _URL.fullmatch(value):
            raise ValueError(
                "is no URL; a queue's looks like https://sqs.eu-west-1.amazonaws.com/123456789012/name"
            )
        return value

    @field_validator("secret_key")
    @classmethod
    def _is_key(cls, value: str | None) -> str | None:
        for key in (one.strip() for one in (value or "").split(",")):
            if key and not _is_key(key):
                raise ValueError("is no key (32 bytes in base64; several are separated by commas)")
        return value

    @field_validator("smtp_url")
    @classmethod
    def _is_mail_server(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                found = urlsplit(value)
                usable = found.scheme in {"smtp", "smtps"} and found.hostname and found.port != 0
            except ValueError:
                usable = False
            if not usable:
                raise ValueError("is no address of a server: smtps://user:password@host:465")
        return value

    @property
    def region(self) -> str:
        """The AWS region: as set, else as the queue's URL says, else eu-west-1."""
        if self.aws_region:
            return self.aws_region
        match = _SQS_HOST_REGION.search(self.sqs_queue_url or "")
        return match[1] if match else "eu-west-1"


def _is_key(text: str) -> bool:
    """Whether worker.delivery.secrets can use it, without loading the cryptography library."""
    try:
        return len(base64.urlsafe_b64decode(text)) == KEY_BYTES
    except ValueError:
        return False


def load_settings() -> Settings:
    """The settings from the environment. Raises SettingsError with a sentence for each mistake."""
    return load(Settings)
