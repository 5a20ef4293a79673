"""Priorities as places in time: a head start, and no starvation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from db.inbox import store_notifications
from tests.interleave import column, deliver, fetch_job, letter
from worker.ingest.filing import Filer
from worker.settings import Settings

START = datetime(2025, 6, 1, 12, tzinfo=UTC)
STEP = Settings.model_fields["priority_head_start_seconds"].default
FILER = Filer.from_settings(Settings(worker_id="ingester-1"))


def arrive(scratch, *arrivals):
    """One job for each (source, seconds after START), each of a product of its own."""
    for number, (source, seconds) in enumerate(arrivals):
        scratch.execute(
            "SELECT procrastinate_defer_jobs_v1(ARRAY[buybox_analysis_job(%s, %s, %s, 't', %s)])",
            (
                number,
                START + timedelta(seconds=seconds),
                f"M:{source}@{seconds}",
                FILER.head_start_s(source),
            ),
        )


def order_of_work(scratch):
    order = []
    while job := fetch_job(scratch):
        order.append(job["lock"].removeprefix("M:"))
    return order


def test_what_arrives_together_runs_high_then_main_then_low(scratch):
    arrive(scratch, ("sqs-low", 0), ("sqs", 0), ("sqs-high", 0))
    assert order_of_work(scratch) == ["sqs-high@0", "sqs@0", "sqs-low@0"]


def test_within_a_queue_the_earlier_arrival_runs_first(scratch):
    arrive(scratch, ("sqs", 5), ("sqs", 1), ("sqs", 3))
    assert order_of_work(scratch) == ["sqs@1", "sqs@3", "sqs@5"]


def test_an_urgent_job_passes_what_is_younger_than_its_head_start(scratch):
    arrive(scratch, ("sqs", 0), ("sqs-low", 0), ("sqs-high", STEP - 1))
    assert order_of_work(scratch)[0] == f"sqs-high@{STEP - 1}"


def test_what_has_waited_longer_than_the_head_start_is_never_passed(scratch):
    arrive(scratch, ("sqs-low", 0), ("sqs", STEP + 1), ("sqs-high", 2 * STEP + 1))
    assert order_of_work(scratch) == ["sqs-low@0", f"sqs@{STEP + 1}", f"sqs-high@{2 * STEP + 1}"]


def test_a_stream_of_urgent_jobs_cannot_starve_a_low_one(scratch):
    arrive(scratch, ("sqs-low", 0), *(("sqs-high", second) for second in range(0, 4 * STEP, 10)))
    passed = order_of_work(scratch).index("sqs-low@0")
    assert passed == len(range(0, 2 * STEP, 10))


def test_a_job_takes_the_head_start_of_the_queue_it_came_from(scratch):
    for source in ("sqs-low", "sqs", "sqs-high"):
        deliver(scratch, letter(asin=f"B0{source.upper():-<8}", source=source), filer=FILER)
    first = [fetch_job(scratch)["lock"] for _ in range(3)]
    assert [lock.split("B0")[1].strip("-") for lock in first] == ["SQS-HIGH", "SQS", "SQS-LOW"]


@pytest.mark.parametrize(
    "when", [datetime(2015, 1, 1, tzinfo=UTC), datetime(2090, 1, 1, tzinfo=UTC)]
)
@pytest.mark.parametrize("head_start", [0, 2 * 3600])
def test_places_fit_an_integer_for_decades(scratch, when, head_start):
    (place,) = column(scratch, "SELECT buybox_due_order(%s, %s)", when, head_start)
    assert -(2**31) <= place < 2**31


def test_maintenance_and_wake_ups_stand_before_every_analysis(scratch):
    now = datetime.now(UTC)
    (place,) = column(scratch, "SELECT buybox_due_order(%s, %s)", now, 2 * 3600)
    assert place < 0


def test_an_empty_batch_defers_nothing(scratch):
    assert store_notifications(scratch, [], now=START, ingested_by="i").jobs == 0
