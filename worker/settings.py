"""The settings of every process: from the environment only, checked at start.

`docs`: the table in README.md is held against this class by a test.
"""

from __future__ import annotations

import os
import re
import socket
from decimal import Decimal
from typing import Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from worker.analysis.severity import PolicyName
from worker.delivery.channels.carrier import USUAL_SCHEMES
from worker.errors import SettingsError

_SQS_HOST_REGION = re.compile(r"//sqs\.([a-z0-9-]+)\.amazonaws\.com")


def _default_worker_id() -> str:
    return f"{socket.gethostname()}-{os.getpid()}"


class Settings(BaseSettings):
    """All settings. Times end in their unit; an unset optional is None."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    database_url: str | None = Field(
        None,
        repr=False,
        description="where Postgres is; a direct connection, no transaction pooler",
    )
    worker_id: str = Field(
        default_factory=_default_worker_id, max_length=200, description="this process's name"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="least severe log line that is written"
    )
    log_format: Literal["json", "console"] = Field("json", description="json, or console for eyes")

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
    batch_size: int = Field(10, ge=1, le=10, description="messages a receive call, 10 at most")
    receivers: int = Field(2, ge=1, le=32, description="receivers at once on each queue")
    transaction_max_messages: int = Field(
        100, ge=1, le=1000, description="messages in one ingest transaction, at most"
    )
    transaction_max_wait_ms: int = Field(
        50, ge=0, le=5000, description="how long an ingest transaction waits to fill"
    )
    max_backlog_age_seconds: int = Field(
        900, ge=1, description="stop receiving while the oldest waiting message is older"
    )
    priority_head_start_seconds: int = Field(
        60,
        ge=0,
        le=3600,
        description="how far a queue's jobs go before those of the next lower one",
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
        0.5, gt=0, le=60, description="how often the worker looks without having been rung"
    )
    heartbeat_seconds: float = Field(10, gt=0, le=60, description="a worker's sign of life")
    stalled_after_seconds: float = Field(
        30, gt=0, le=3600, description="a silent worker's jobs are given to others after this"
    )
    job_max_seconds: int = Field(300, ge=10, description="a job at work for longer is put back")
    claim_max_products: int = Field(
        64, ge=0, le=1000, description="other products one analysis transaction takes along"
    )
    claim_max_notifications: int = Field(
        200, ge=1, le=5000, description="notifications in one analysis transaction, at most"
    )

    secret_key: str | None = Field(
        None,
        repr=False,
        description="encrypts channel addresses; several, separated by commas, while it changes",
    )
    channel_schemes: str = Field(USUAL_SCHEMES, description="the addresses that routes may use")
    allow_private_channels: bool = Field(
        False, description="let routes lead into private networks and to this machine"
    )
    smtp_url: str | None = Field(
        None, repr=False, description="the mail server, smtps://user:password@host:465"
    )
    mail_from: str | None = Field(None, description="the address alerts come from")
    delivery_threads: int = Field(
        4, ge=1, le=64, description="deliveries at once in one worker, one a route"
    )
    delivery_timeout_seconds: float = Field(
        10, gt=0, le=120, description="one attempt at a delivery, from connecting to the answer"
    )
    delivery_max_attempts: int = Field(
        8, ge=1, le=100, description="attempts at a delivery before it has failed"
    )
    delivery_max_hours: float = Field(
        12, gt=0, le=168, description="a delivery that was due longer ago is given up"
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

    @property
    def region(self) -> str:
        """The AWS region: as set, else as the queue's URL says, else eu-west-1."""
        if self.aws_region:
            return self.aws_region
        match = _SQS_HOST_REGION.search(self.sqs_queue_url or "")
        return match[1] if match else "eu-west-1"

    @property
    def dsn(self) -> str:
        """The database's address. Raises SettingsError when there is none."""
        if not self.database_url:
            raise SettingsError(
                "DATABASE_URL is not set: it says where Postgres is, "
                "for example postgresql://user:password@host:5432/buybox"
            )
        return self.database_url


def load_settings() -> Settings:
    """The settings from the environment. Raises SettingsError with a sentence for each mistake."""
    try:
        return Settings()
    except ValidationError as error:
        mistakes = "; ".join(
            f"{str(mistake['loc'][0]).upper()}={mistake['input']!r}: {mistake['msg']}"
            for mistake in error.errors()
        )
        raise SettingsError(f"The environment's settings cannot be used: {mistakes}") from None
