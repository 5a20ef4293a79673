"""The inbox: dedupe keys, raw bodies beside them, and what could not be read.

Revision: 0002
Revises: 0001
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NOTIFICATIONS = """
CREATE TABLE worker_notifications (
    id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    received_at       timestamptz NOT NULL,
    received_on       date        NOT NULL,
    notification_type text        NOT NULL,
    status            text        NOT NULL,
    seller_id         text,
    marketplace_id    text,
    asin              text,
    item_condition    text,
    audience          text        NOT NULL DEFAULT 'consumer',
    product_key       text        GENERATED ALWAYS AS (marketplace_id || ':' || asin) STORED,
    event_time        timestamptz,
    publish_time      timestamptz,
    event_key         text        NOT NULL,
    message_id        text,
    body_hash         bytea       NOT NULL,
    source_key        text        NOT NULL DEFAULT '',
    notification_id   text,
    trace_id          text        NOT NULL,
    source            text        NOT NULL,
    envelope          text        NOT NULL,
    sent_at           timestamptz,
    receive_count     integer     NOT NULL DEFAULT 1,
    ingested_by       text        NOT NULL,
    attempts          integer     NOT NULL DEFAULT 0,
    next_attempt_at   timestamptz,
    last_error        text,
    outcome           text,
    severity          text,
    policy            text,
    processed_at      timestamptz,
    processed_by      text,
    processing_ms     real,

    CONSTRAINT worker_notifications_message_id_key UNIQUE (message_id),
    CONSTRAINT worker_notifications_body_hash_key UNIQUE (body_hash),
    CONSTRAINT worker_notifications_notification_id_key
        UNIQUE (notification_id, source_key, notification_type),
    CONSTRAINT status_is_known CHECK (status IN ('waiting', 'processed', 'ignored', 'failed')),
    CONSTRAINT audience_is_known CHECK (audience IN ('consumer', 'business')),
    CONSTRAINT outcome_is_known CHECK (outcome IN ('applied', 'late', 'rejected')),
    CONSTRAINT severity_is_known
        CHECK (severity IN ('critical', 'high', 'warning', 'success', 'info')),
    CONSTRAINT waiting_has_a_subject CHECK (
        status <> 'waiting'
        OR (seller_id, marketplace_id, asin, item_condition, event_time) IS NOT NULL
    ),
    CONSTRAINT processed_says_when_and_how CHECK (
        (status = 'processed') = (processed_at IS NOT NULL AND outcome IS NOT NULL)
    ),
    CONSTRAINT body_hash_is_sha256 CHECK (octet_length(body_hash) = 32)
) WITH (
    fillfactor = 85,
    autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0,
    autovacuum_vacuum_insert_scale_factor = 0.05
);
COMMENT ON TABLE worker_notifications IS
    'One row per notification ever received, without its body: the dedupe keys and what became of
it. Keep rows at least 30 days: SQS may redeliver for 14, and a dropped key is a notification
analysed twice. Operators read ops.worker_notifications.';
COMMENT ON COLUMN worker_notifications.status IS
    'waiting: to be analysed; processed: its effects are committed; ignored: kept, nothing to do
for its type; failed: given up, see worker_failures';
COMMENT ON COLUMN worker_notifications.source_key IS
    'The scope of Amazon''s NotificationId: SubscriptionId, else seller, else empty';
COMMENT ON COLUMN worker_notifications.event_key IS
    'Breaks ties between events of the same time: NotificationId, else the body hash';

CREATE INDEX worker_notifications_waiting
    ON worker_notifications (product_key, event_time, publish_time, event_key)
    WHERE status = 'waiting';
COMMENT ON INDEX worker_notifications_waiting IS
    'T2 claims what waits for a product, in event order';
CREATE INDEX worker_notifications_backlog ON worker_notifications (received_at)
    WHERE status = 'waiting';
COMMENT ON INDEX worker_notifications_backlog IS
    'How old the backlog is: the ingester asks every few seconds, the sweeper every tick';
CREATE INDEX worker_notifications_received_at ON worker_notifications USING brin (received_at);
COMMENT ON INDEX worker_notifications_received_at IS 'For the per-minute views and for retention';
"""

BODIES = """
CREATE TABLE notification_bodies (
    notification_id bigint NOT NULL,
    received_on     date   NOT NULL,
    body            text   NOT NULL,
    facts           jsonb,
    PRIMARY KEY (notification_id, received_on)
) PARTITION BY RANGE (received_on);
COMMENT ON TABLE notification_bodies IS
    'The raw bodies and what the door read in them, a partition a day, so that they can be dropped
by the day while the dedupe keys stay.';
CREATE TABLE notification_bodies_default PARTITION OF notification_bodies DEFAULT;
COMMENT ON TABLE notification_bodies_default IS
    'A net, expected empty: rows land here only if nobody made partitions for two weeks';
"""

FAILURES = """
CREATE TABLE worker_failures (
    id                  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stage               text        NOT NULL,
    error_type          text        NOT NULL,
    error_message       text        NOT NULL,
    failure_count       integer     NOT NULL DEFAULT 1,
    first_failed_at     timestamptz NOT NULL,
    last_failed_at      timestamptz NOT NULL,
    resolved_at         timestamptz,
    resolution          text,
    message_id          text,
    notification_row_id bigint,
    trace_id            text        NOT NULL,
    source              text        NOT NULL,
    worker_id           text        NOT NULL,
    body_hash           bytea       NOT NULL,
    raw_body            bytea       NOT NULL,

    CONSTRAINT worker_failures_stage_body_hash_key UNIQUE (stage, body_hash),
    CONSTRAINT stage_is_known CHECK (stage IN ('ingest', 'analysis')),
    CONSTRAINT analysis_failures_have_a_notification
        CHECK (stage = 'ingest' OR notification_row_id IS NOT NULL),
    CONSTRAINT resolved_says_how CHECK ((resolved_at IS NULL) = (resolution IS NULL))
);
COMMENT ON TABLE worker_failures IS
    'The dead letters: a message that could not be read (stage ingest) or a notification that could
not be analysed (stage analysis), with its raw body and the reason. buybox failures redrive puts
them through the same door again.';
CREATE INDEX worker_failures_open ON worker_failures (error_type, last_failed_at DESC)
    WHERE resolved_at IS NULL;
COMMENT ON INDEX worker_failures_open IS 'For ops.failure_summary and redrive --type';
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    connection = op.get_bind()
    for part in (NOTIFICATIONS, BODIES, FAILURES):
        connection.exec_driver_sql(part)


def downgrade() -> None:
    raise NotImplementedError("Migrations go forward only: restore a backup or write the next one.")
