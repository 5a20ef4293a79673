"""Fixtures that start real processes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from tests.processes import CuttableProxy, HoldingProxy, Process, processes
from worker.demo.emulator import one_at_a_time
from worker.ingest.sqs import Queue, connect_sqs
from worker.settings import Settings


@dataclass(frozen=True)
class Sqs:
    """An emulator with one queue, and the settings that lead a process to it."""

    endpoint: str
    queue: Queue

    def env(self, **more: str) -> dict[str, str]:
        return {
            "SQS_ENDPOINT_URL": self.endpoint,
            "SQS_QUEUE_URL": self.queue.url,
            "AWS_REGION": "eu-west-1",
            **more,
        }

    def depth(self) -> tuple[int, int]:
        """(visible, in flight)"""
        found = self.queue.attributes()
        return found.visible, found.in_flight


@pytest.fixture(scope="session")
def sqs_endpoint() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    one_at_a_time()
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def new_queue(sqs_endpoint: str, request: pytest.FixtureRequest) -> Callable[..., Queue]:
    """Makes a fresh queue on the emulator."""
    settings = Settings(sqs_endpoint_url=sqs_endpoint, aws_region="eu-west-1")
    client = connect_sqs(settings)

    def make(name: str = "main", **attributes: str) -> Queue:
        unique = f"{name}-{abs(hash(request.node.nodeid))}"
        url = client.create_queue(QueueName=unique, Attributes=attributes)["QueueUrl"]
        return Queue(client, url, "sqs")

    return make


@pytest.fixture
def sqs(sqs_endpoint: str, new_queue: Callable[..., Queue]) -> Sqs:
    return Sqs(sqs_endpoint, new_queue())


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    with processes(tmp_path) as starter:
        yield starter


@pytest.fixture
def holding_proxy(sqs_endpoint: str) -> Iterator[HoldingProxy]:
    proxy = HoldingProxy(sqs_endpoint)
    yield proxy
    proxy.close()


@pytest.fixture
def cuttable(database_url: str) -> Iterator[CuttableProxy]:
    proxy = CuttableProxy(database_url)
    yield proxy
    proxy.close()
