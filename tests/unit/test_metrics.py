"""The figures that Prometheus reads: in seconds, counted once, left out where nobody knows them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from api.metrics import PROCESSING_BOUNDS_MS, Metrics
from db.dashboard import ProcessedCount, WorkerStatus

NOW = datetime(2026, 3, 4, 10, 15, tzinfo=UTC)
NOBODY_KNOWS = WorkerStatus(
    queue_depth=None, dlq_messages=None, open_failures=None, oldest_message_age_seconds=None,
    ingest_heartbeat=None, analysis_heartbeat=None, processed_per_minute=0, backlog_count=None,
    avg_processing_time_ms=None, asked_at=NOW,
)  # fmt: skip
SECONDS = "worker_processing_duration_seconds"


@pytest.fixture
def metrics():
    return Metrics()


def value(metrics, name, **labels):
    return metrics.registry.get_sample_value(name, labels)


def workers_figures(metrics):
    found = [s for f in metrics.workers.collect() for s in f.samples]
    return {s.name: s.value for s in found if not s.name.startswith(SECONDS)}


def test_before_anybody_asked_there_are_no_figures_of_the_workers(metrics):
    assert workers_figures(metrics) == {}


def test_what_nobody_knows_is_left_out(metrics):
    metrics.workers.update(NOBODY_KNOWS, [])
    assert workers_figures(metrics) == {
        "worker_notifications_processed_total": 0,
        "worker_oldest_message_age_seconds": 0,
        "worker_dlq_messages_total": 0,
    }


def test_each_figure_stands_under_its_own_name(metrics):
    metrics.workers.update(
        replace(
            NOBODY_KNOWS, queue_depth=7, dlq_messages=2, open_failures=3, backlog_count=11,
            oldest_message_age_seconds=4.5, ingest_heartbeat=NOW,
        ),
        [],
    )  # fmt: skip
    assert workers_figures(metrics) == {
        "worker_notifications_processed_total": 0,
        "worker_queue_depth_current": 7,
        "worker_backlog_current": 11,
        "worker_oldest_message_age_seconds": 4.5,
        "worker_dlq_messages_total": 5,
        "worker_heartbeat_timestamp": NOW.timestamp(),
    }


def test_times_of_analysis_are_in_seconds_and_each_bucket_holds_those_below_it(metrics):
    last = len(PROCESSING_BOUNDS_MS)
    counts = [ProcessedCount(9, True, 0, 4, 2.0), ProcessedCount(9, False, 2, 3, 9.0)]
    metrics.workers.update(NOBODY_KNOWS, [*counts, ProcessedCount(9, True, last, 1, 6000.0)])
    buckets = {le: value(metrics, f"{SECONDS}_bucket", le=le) for le in ("0.001", "0.005", "5.0")}
    assert buckets == {"0.001": 4, "0.005": 7, "5.0": 7}
    assert value(metrics, f"{SECONDS}_bucket", le="+Inf") == 8
    assert value(metrics, f"{SECONDS}_sum") == 6.011


def test_what_is_settled_adds_up_and_what_is_not_is_counted_anew(metrics):
    for settled, still_open in ((5, 3), (2, 4)):
        counts = [
            ProcessedCount(9, True, 0, settled, 10.0),
            ProcessedCount(9, False, 0, still_open, 4.0),
        ]
        metrics.workers.update(NOBODY_KNOWS, counts)
    assert value(metrics, "worker_notifications_processed_total") == 5 + 2 + 4
    assert value(metrics, f"{SECONDS}_sum") == 0.024


def test_an_old_message_that_waits_again_does_not_have_the_settled_ones_counted_twice(metrics):
    for floor in (100, 40):
        metrics.workers.update(NOBODY_KNOWS, [ProcessedCount(floor, None, None, 0, 0.0)])
    assert metrics.workers.from_id == 100


def test_the_age_of_a_change_is_counted_where_it_is_known_and_never_below_zero(metrics):
    times = (NOW - timedelta(seconds=2), NOW + timedelta(seconds=3), None)
    metrics.observe_batch([SimpleNamespace(kind="state", changed_at=at) for at in times], NOW)
    assert value(metrics, "feed_changes_total", kind="state") == 3
    assert value(metrics, "sse_fanout_lag_seconds_count") == 2
    assert value(metrics, "sse_fanout_lag_seconds_sum") == 2
