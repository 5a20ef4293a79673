"""What Prometheus reads at /metrics.

Labels have few values: routes, kinds, reasons; never a product.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from api.feed.events import Change
from db.dashboard import ProcessedCount, WorkerStatus

FAST_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
PROCESSING_BOUNDS_MS = (1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 5000.0)


class Metrics:
    """The metrics of one process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        r = self.registry
        self.requests = Counter(
            "http_requests", "Requests answered", ["method", "route", "status"], registry=r
        )
        self.request_seconds = Histogram(
            "http_request_duration_seconds",
            "Time to the first byte of the answer",
            ["route"],
            buckets=FAST_S,
            registry=r,
        )
        self.clients = Gauge("sse_clients", "Open streams", registry=r)
        self.deliveries = Counter("sse_deliveries", "Pieces sent to streams", registry=r)
        self.stream_ends = Counter(
            "sse_stream_ends", "Streams that ended, and why", ["reason"], registry=r
        )
        self.resets = Counter(
            "sse_resets", "Times that clients had to begin again", ["reason"], registry=r
        )
        self.stream_gap = Gauge(
            "sse_stream_gap_seconds",
            "Time since the feed was last read to its end: streams may be this much behind",
            registry=r,
        )
        self.fanout_lag = Histogram(
            "sse_fanout_lag_seconds",
            "From the write of a change until it was handed to the streams",
            buckets=FAST_S,
            registry=r,
        )
        self.changes = Counter("feed_changes", "Changes read from the feed", ["kind"], registry=r)
        self.feed_reads = Counter("feed_reads", "Reads of the feed, and why", ["why"], registry=r)
        self.workers = WorkerMetrics()
        r.register(self.workers)

    def observe_batch(self, changes: Iterable[Change], now: datetime) -> None:
        """Count what one read of the feed brought, and how old it was."""
        for change in changes:
            self.changes.labels(change.kind).inc()
            if change.changed_at is not None:
                self.fanout_lag.observe(max(0.0, (now - change.changed_at).total_seconds()))


class WorkerMetrics(Collector):
    """The workers' figures, read from the database when they are asked for.

    A figure that nobody knows (say, because no ingester is alive) is left out, never 0.
    """

    def __init__(self) -> None:
        self._status: WorkerStatus | None = None
        self._settled = [0] * (len(PROCESSING_BOUNDS_MS) + 1)
        self._settled_ms = 0.0
        self._open = list(self._settled)
        self._open_ms = 0.0
        self.from_id: int | None = None

    def update(self, status: WorkerStatus, processed: Iterable[ProcessedCount]) -> None:
        """Take new figures. What is settled is added once; `from_id` says where to go on."""
        self._status = status
        self._open, self._open_ms = [0] * len(self._settled), 0.0
        for count in processed:
            if count.settled is not None:
                bucket = count.bucket or 0
                if count.settled:
                    self._settled[bucket] += count.notifications
                    self._settled_ms += count.total_ms
                else:
                    self._open[bucket] += count.notifications
                    self._open_ms += count.total_ms
            self.from_id = max(self.from_id or 0, count.floor)

    def collect(self) -> Iterable[Metric]:
        """The families, as the client library asks for them."""
        status = self._status
        if status is None:
            return
        counts = [a + b for a, b in zip(self._settled, self._open, strict=True)]
        yield CounterMetricFamily(
            "worker_notifications_processed",
            "Notifications analysed since this process began to count",
            sum(counts),
        )
        yield _processing(counts, (self._settled_ms + self._open_ms) / 1000)
        yield from _gauges(status)


def _processing(counts: list[int], total_s: float) -> Metric:
    running, buckets = 0, []
    for bound, count in zip((*PROCESSING_BOUNDS_MS, float("inf")), counts, strict=True):
        running += count
        buckets.append(("+Inf" if bound == float("inf") else str(bound / 1000), float(running)))
    return HistogramMetricFamily(
        "worker_processing_duration_seconds",
        "Time that a notification's analysis took, its share of a batch",
        buckets=buckets,
        sum_value=total_s,
    )


def _gauges(status: WorkerStatus) -> Iterable[Metric]:
    found = {
        "worker_queue_depth_current": (status.queue_depth, "Messages that wait in SQS"),
        "worker_backlog_current": (status.backlog_count, "Notifications that wait for analysis"),
        "worker_oldest_message_age_seconds": (
            status.oldest_message_age_seconds or 0.0,
            "Age of the oldest notification that waits for its first analysis; 0 when none does",
        ),
        "worker_dlq_messages_total": (
            status.dead_letters,
            "Dead letters: in SQS, and unresolved here",
        ),
    }
    for name, (value, text) in found.items():
        if value is not None:
            yield GaugeMetricFamily(name, text, float(value))
    beats = {"ingestion": status.ingest_heartbeat, "analysis": status.analysis_heartbeat}
    family = GaugeMetricFamily(
        "worker_heartbeat_timestamp", "Last sign of life, Unix time", labels=["role"]
    )
    for role, at in beats.items():
        if at is not None:
            family.add_metric([role], at.timestamp())
    yield family
