"""The doctor on an SQS emulator, and `buybox doctor` as a command."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError
from moto.server import ThreadedMotoServer
from typer.testing import CliRunner

from db import operators
from tests.interleave import register_worker
from worker.cli.main import app
from worker.doctor.checks import examine_queues
from worker.ingest.sqs import Queue, connect_sqs, create_queue
from worker.settings import Settings

REGION = "eu-west-1"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def new_queue(endpoint: str, request: pytest.FixtureRequest) -> Callable[..., Queue]:
    client = connect_sqs(Settings(sqs_endpoint_url=endpoint, aws_region=REGION))

    def make(name: str, **attributes: str) -> Queue:
        stem, dot, suffix = name.partition(".")
        unique = f"{stem}-{abs(hash(request.node.nodeid))}{dot}{suffix}"
        return Queue(client, create_queue(client, unique, attributes=attributes), stem)

    return make


@pytest.fixture
def good_settings(endpoint: str, new_queue: Callable[..., Queue]) -> Settings:
    """A queue and its dead letter queue as the README has them made."""
    dead = new_queue("dead")
    policy = {"deadLetterTargetArn": dead.attributes().arn, "maxReceiveCount": "3"}
    main = new_queue("main", VisibilityTimeout="120", RedrivePolicy=json.dumps(policy))
    return Settings(
        sqs_endpoint_url=endpoint, aws_region=REGION, sqs_queue_url=main.url, dlq_url=dead.url
    )


def examined(settings: Settings, **changes: object) -> dict[str, str]:
    """What is not ok, by name."""
    found = examine_queues(settings.model_copy(update=changes))
    return {one.name: one.level for one in found if one.level != "ok"}


def test_queues_as_the_readme_has_them_are_fine(good_settings):
    found = list(examine_queues(good_settings))
    assert {one.name for one in found} == {
        "dlq",
        "sqs",
        "sqs-kind",
        "sqs-visibility",
        "sqs-redrive",
        "sqs-permissions",
    }
    assert {one.level for one in found} == {"ok"}


def test_examining_takes_no_message_and_counts_as_no_receive(good_settings, endpoint):
    client = connect_sqs(good_settings)
    queue = Queue(client, good_settings.sqs_queue_url, "sqs")
    queue.send(["{}"])
    assert examined(good_settings) == {}
    (received,) = queue.receive(max_messages=10, wait_s=0, visibility_timeout_s=10)
    assert received.arrival.receive_count == 1


def test_a_queue_that_is_not_there_is_found(good_settings):
    gone = good_settings.sqs_queue_url + "-gone"
    assert examined(good_settings, sqs_queue_url=gone) == {"sqs": "problem"}


def test_nobody_at_the_endpoint_is_found_in_time(good_settings):
    found = examined(good_settings, sqs_endpoint_url="http://127.0.0.1:9")
    assert found == {"dlq": "problem", "sqs": "problem"}


def test_another_visibility_timeout_is_found(good_settings):
    assert examined(good_settings, visibility_timeout=60) == {"sqs-visibility": "warning"}


def test_another_receive_count_is_found(good_settings):
    assert examined(good_settings, max_receive_count=5) == {"sqs-redrive": "warning"}


def test_another_dead_letter_queue_is_found(good_settings, new_queue):
    other = new_queue("other")
    assert examined(good_settings, dlq_url=other.url) == {"sqs-redrive": "problem"}


def test_a_queue_without_redrive_policy_is_found(good_settings, new_queue):
    bare = new_queue("bare", VisibilityTimeout="120")
    assert examined(good_settings, sqs_queue_url=bare.url) == {"sqs-redrive": "problem"}


def test_without_a_dead_letter_queue_to_watch_the_queue_is_examined_all_the_same(good_settings):
    names = {one.name for one in examine_queues(good_settings.model_copy(update={"dlq_url": None}))}
    assert {"sqs", "sqs-redrive"} <= names
    assert "dlq" not in names


def test_a_fifo_queue_is_found(good_settings, new_queue):
    fifo = new_queue("line.fifo", VisibilityTimeout="120", FifoQueue="true")
    assert examined(good_settings, sqs_queue_url=fifo.url)["sqs-kind"] == "problem"


def test_dead_letters_are_found(good_settings):
    Queue(connect_sqs(good_settings), good_settings.dlq_url, "dlq").send(["{}"])
    assert examined(good_settings) == {"dlq": "warning"}


def test_every_queue_of_the_settings_is_examined(good_settings):
    changes = {
        "sqs_high_priority_queue_url": good_settings.sqs_queue_url,
        "sqs_low_priority_queue_url": good_settings.sqs_queue_url + "-gone",
    }
    names = {one.name for one in examine_queues(good_settings.model_copy(update=changes))}
    assert {"sqs-high", "sqs", "sqs-low"} <= names


def test_a_denied_delete_is_told_from_a_handle_that_is_none(good_settings):
    client = connect_sqs(good_settings)
    queue = Queue(client, good_settings.sqs_queue_url, "sqs")
    assert (queue.may_delete(), queue.may_give_back()) == (True, True)

    def deny(**_: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied"}}, "DeleteMessageBatch")

    client.delete_message_batch = deny
    assert queue.may_delete() is False


def environment(settings: Settings, database_url: str) -> dict[str, str]:
    return {
        "DATABASE_URL": database_url,
        "SQS_QUEUE_URL": settings.sqs_queue_url,
        "DLQ_URL": settings.dlq_url,
        "SQS_ENDPOINT_URL": settings.sqs_endpoint_url,
        "AWS_REGION": REGION,
    }


def test_the_command_ends_with_0_when_all_is_well(good_settings, database_url, conn):
    now = datetime.now(UTC)
    operators.beat_heart(
        conn, worker_id="i", role="ingest", state="running", details={}, now=now, starting=True
    )
    register_worker(conn)
    result = CliRunner().invoke(app, ["doctor"], env=environment(good_settings, database_url))
    assert result.exit_code == 0, result.output
    assert "0 problems, 0 warnings" in result.output


def test_the_command_ends_with_1_and_says_what_to_do(good_settings, empty_database_url):
    env = environment(good_settings, empty_database_url)
    result = CliRunner().invoke(app, ["doctor"], env=env)
    assert result.exit_code == 1
    assert "python -m db.migrate" in result.output


def test_the_command_writes_json_a_machine_can_read(good_settings, empty_database_url):
    env = environment(good_settings, empty_database_url)
    result = CliRunner().invoke(app, ["doctor", "--json"], env=env)
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert {"name", "level", "says", "do"} == set(rows[0])
    assert all(bool(row["do"]) == (row["level"] != "ok") for row in rows)
