"""What the dashboard says of the workers, of itself and to Prometheus."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from db import operators
from tests.dashboard import streaming, write_state
from tests.factories import GB
from tests.interleave import column, deliver, letter, until, work


def beat(conn, *, dead=0):
    operators.beat_heart(
        conn,
        worker_id="i",
        role="ingest",
        state="running",
        details={"queues": {"sqs": {"visible": 7}, "dlq": {"visible": dead}}},
        now=datetime.now(UTC),
        starting=True,
    )


def status_of_those_at_work(client, conn):
    """With one message analysed and one that waits."""
    beat(conn)
    conn.execute("SELECT procrastinate_register_worker_v1()")
    deliver(conn, letter(), letter(asin="B000000009"))
    work(conn)
    return client.get("/api/worker-status").json()


class TestWorkers:
    def test_the_shape_is_the_documented_one_and_nothing_is_made_up(self, client):
        assert client.get("/api/worker-status").json() == {
            "ingestion": {
                "queue_depth": None,
                "oldest_message_age_seconds": None,
                "last_heartbeat": None,
                "dlq_count": 0,
                "processed_per_minute": 0,
            },
            "analysis": {
                "backlog_count": 0,
                "avg_processing_time_ms": None,
                "last_heartbeat": None,
            },
            "overall_health": "critical",
        }

    def test_what_the_workers_do_is_seen(self, client, conn):
        found = status_of_those_at_work(client, conn)
        assert found["overall_health"] == "healthy"
        assert found["ingestion"]["queue_depth"] == 7
        assert found["ingestion"]["dlq_count"] == 0
        assert found["ingestion"]["processed_per_minute"] == 1
        assert 0 <= found["ingestion"]["oldest_message_age_seconds"] < 60
        assert found["analysis"]["backlog_count"] == 1
        assert found["analysis"]["avg_processing_time_ms"] > 0

    @pytest.mark.parametrize("wrong", [timedelta(hours=1), timedelta(hours=-1)])
    def test_a_dashboard_whose_clock_is_wrong_says_the_same(self, client, conn, monkeypatch, wrong):
        """Heartbeats have the database's time: all would be silent for an hour."""

        class Off(datetime):
            @classmethod
            def now(cls, tz=None):
                return datetime.now(tz) + wrong

        for module in ("api.worker_status", "api.routes.workers"):
            monkeypatch.setattr(f"{module}.datetime", Off)
        monkeypatch.setattr("api.worker_status.ASK_EVERY_S", 0)
        found = status_of_those_at_work(client, conn)
        assert found["overall_health"] == "healthy"
        assert 0 <= found["ingestion"]["oldest_message_age_seconds"] < 60
        assert found["ingestion"]["processed_per_minute"] == 1

    def test_what_is_caught_up_after_hours_is_seen_too(self, client, conn):
        """When somebody looks most: the workers were away, and are back."""
        deliver(conn, letter(), letter(asin="B000000008"), letter(asin="B000000009"))
        conn.execute("UPDATE worker_notifications SET received_at = now() - interval '30 hours'")
        work(conn)
        found = client.get("/api/worker-status").json()
        assert found["analysis"]["backlog_count"] == 2
        assert found["ingestion"]["processed_per_minute"] == 1
        assert found["analysis"]["avg_processing_time_ms"] > 0
        told = "SELECT sum(processed) FROM ops.throughput_per_minute"
        assert column(conn, told) == [1], "nor does the operator see that nothing is processed"

    def test_a_queue_that_nobody_could_ask_makes_the_depth_unknown(self, client, conn):
        """The others' would be taken for all there is."""
        queues = {"sqs": {"visible": 7}, "sqs-high": {"error": "denied"}, "dlq": {"visible": 2}}
        operators.beat_heart(
            conn, worker_id="i", role="ingest", state="running", details={"queues": queues}
        )
        found = client.get("/api/worker-status").json()["ingestion"]
        assert (found["queue_depth"], found["dlq_count"]) == (None, 2)

    def test_what_is_tried_again_is_no_sign_of_being_behind(self, client, conn):
        """A dead letter of last week that is redriven would wake somebody up, and a failing one too."""
        beat(conn)
        conn.execute("SELECT procrastinate_register_worker_v1()")
        deliver(conn, letter())
        conn.execute(
            "UPDATE worker_notifications SET received_at = now() - interval '7 days',"
            " next_attempt_at = now() - interval '7 days'"
        )
        found = client.get("/api/worker-status").json()
        assert found["overall_health"] == "healthy"
        assert found["ingestion"]["oldest_message_age_seconds"] is None
        assert found["analysis"]["backlog_count"] == 1

    def test_dead_letters_degrade(self, client, conn):
        beat(conn, dead=2)
        conn.execute("SELECT procrastinate_register_worker_v1()")
        found = client.get("/api/worker-status").json()
        assert (found["overall_health"], found["ingestion"]["dlq_count"]) == ("degraded", 2)


def families(client):
    text = client.get("/metrics").text
    return {family.name: family for family in text_string_to_metric_families(text)}


def value(family, **labels):
    (sample,) = [s for s in family.samples if s.labels == labels]
    return sample.value


class TestMetrics:
    def test_prometheus_can_read_them_and_finds_the_named_ones(self, client, conn):
        beat(conn)
        conn.execute("SELECT procrastinate_register_worker_v1()")
        found = families(client)
        assert set(found) >= {
            "worker_notifications_processed",
            "worker_queue_depth_current",
            "worker_oldest_message_age_seconds",
            "worker_processing_duration_seconds",
            "worker_dlq_messages_total",
            "worker_heartbeat_timestamp",
            "sse_stream_gap_seconds",
            "sse_clients",
            "sse_fanout_lag_seconds",
            "sse_deliveries",
        }
        assert found["worker_notifications_processed"].type == "counter"
        assert found["worker_processing_duration_seconds"].type == "histogram"
        assert value(found["worker_queue_depth_current"]) == 7
        assert {s.labels["role"] for s in found["worker_heartbeat_timestamp"].samples} == {
            "ingestion", "analysis",
        }  # fmt: skip

    def test_each_analysed_notification_is_counted_once(self, client, conn, monkeypatch):
        monkeypatch.setattr("api.worker_status.ASK_EVERY_S", 0)
        deliver(conn, letter())
        work(conn)  # before anybody counted
        counted = [value(families(client)["worker_notifications_processed"])]
        held = letter(asin="B000000009")
        deliver(conn, held)  # stays waiting: what comes after it is counted all the same
        for _ in range(3):
            deliver(conn, letter(), letter())
            work(conn)
            found = families(client)
            counted.append(value(found["worker_notifications_processed"]))
        assert counted == [0, 2, 4, 6]
        buckets = [
            s.value
            for s in found["worker_processing_duration_seconds"].samples
            if s.name.endswith("_bucket")
        ]
        assert buckets == sorted(buckets)
        assert buckets[-1] == 6
        work(conn, f"{GB}:B000000009")
        assert value(families(client)["worker_notifications_processed"]) == 7

    def test_labels_do_not_grow_with_what_is_asked(self, client, api, conn):
        for n in range(30):
            client.get(f"/api/state/M/{n}")
            client.get(f"/nowhere/{n}")
            client.request("PROPFIND", f"/nowhere/{n}")
        routes = {
            (s.labels["method"], s.labels["route"])
            for s in families(client)["http_requests"].samples
        }
        assert ("GET", "/api/state/{marketplace}/{asin}") in routes
        assert ("other", "unmatched") in routes
        assert len(routes) < 8

    def test_how_long_answers_take_is_told_in_seconds(self, client):
        began = time.monotonic()
        client.get("/api/state")
        taken = families(client)["http_request_duration_seconds"].samples
        total = sum(s.value for s in taken if s.name.endswith("_sum"))
        assert 0 < total < time.monotonic() - began

    def test_streams_are_counted(self, api, client, conn):
        with streaming(api.url) as stream:
            stream.next("cursor")
            write_state(conn)
            stream.next("state")
            found = families(client)
            assert value(found["sse_clients"]) == 1
            assert value(found["feed_changes"], kind="state") == 1
            assert 0 <= value(found["sse_stream_gap_seconds"]) < 5
        until(lambda: value(families(client)["sse_clients"]) == 0, "the client has gone")


def test_health_is_whole(client, conn):
    found = client.get("/api/health").json()
    assert (found["live"], found["ready"], found["problems"]) == (True, True, [])
    assert found["feed_connected"] is True


def test_the_document_has_an_example_or_a_description_for_all_there_is(client):
    document = client.get("/api/openapi.json").json()
    assert set(document["paths"]) == {
        "/api/notifications/stream",
        "/api/notifications/prioritized",
        "/api/notifications/acknowledge",
        "/api/state",
        "/api/state/{marketplace}/{asin}",
        "/api/state/{marketplace}/{asin}/explanation",
        "/api/worker-status",
        "/api/competitive-intelligence/trends/{asin}",
        "/api/health",
        "/api/health/live",
        "/api/health/ready",
        "/api/session",
        "/metrics",
    }
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"], (path, method)
            assert operation["description"], (path, method)
    schemas = document["components"]["schemas"]
    assert "HTTPValidationError" not in schemas
    for name in ("State", "Alert", "Act", "Answer", "Status", "Health", "Problem", "Explanation"):
        assert schemas[name]["examples"], name


def test_a_request_for_a_page_that_is_not_installed_says_so(client, monkeypatch, tmp_path):
    monkeypatch.setattr("api.routes.page.HOME", tmp_path)
    assert client.get("/").json()["type"] == "no-page"


def test_the_tables_are_read_in_one_moment(client, conn):
    """The cursor of an answer and its rows belong together."""
    write_state(conn)
    found = client.get("/api/state").json()
    (stamp,) = column(conn, "SELECT changed_in::text::bigint FROM current_state")
    assert int(found["cursor"].split(":")[1]) > stamp
