"""SQS on this machine: moto's server as a process, with the demo's two queues.

`python -m worker.demo.emulator PORT` is the process; the rest is for whoever starts it.
"""

from __future__ import annotations

import functools
import http.client
import json
import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from worker.demo.children import Child, StageError
from worker.ingest.sqs import Queue, QueueError, connect_sqs, create_queue
from worker.settings import Settings

HOST = "127.0.0.1"
REGION = "eu-west-1"
ANSWERS_WITHIN_S = 30.0
_OURS = ("AWS_", "SQS_", "DLQ_", "PROCRASTINATE_")


def free_port() -> int:
    """A port of the loopback interface that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def environment(base: Mapping[str, str]) -> dict[str, str]:
    """`base` with credentials that open nothing, and no way to a real queue or a proxy."""
    kept = {name: value for name, value in base.items() if not name.startswith(_OURS)}
    return kept | {
        "AWS_ACCESS_KEY_ID": "demo",
        "AWS_SECRET_ACCESS_KEY": "demo",
        "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_PROXY": HOST,
        "no_proxy": HOST,
    }


def wait_until_it_answers(child: Child, port: int) -> None:
    """Raise StageError when the emulator ends, or does not answer in time."""
    deadline = time.monotonic() + ANSWERS_WITHIN_S
    while not _answers(port):
        child.check()
        if time.monotonic() > deadline:
            raise StageError(
                f"The SQS emulator did not answer within {ANSWERS_WITHIN_S:.0f} s; "
                f"its log {child.log} ends:\n{child.tail()}"
            )
        time.sleep(0.05)


def create_queues(settings: Settings) -> tuple[Queue, Queue]:
    """The main queue and its dead letter queue, as `buybox doctor` wants to see them."""
    with _environment_of_the_emulator():
        client = connect_sqs(settings)
    try:
        dead_letters = Queue(
            client, create_queue(client, "demo-notifications-dlq", attributes={}), "dlq"
        )
        redrive = {
            "deadLetterTargetArn": dead_letters.attributes().arn,
            "maxReceiveCount": settings.max_receive_count,
        }
        url = create_queue(
            client,
            "demo-notifications",
            attributes={
                "VisibilityTimeout": str(settings.visibility_timeout),
                "RedrivePolicy": json.dumps(redrive),
            },
        )
    except QueueError as error:
        raise StageError(f"The SQS emulator made no queues: {error}") from error
    return Queue(client, url, "sqs"), dead_letters


@contextmanager
def _environment_of_the_emulator() -> Iterator[None]:
    """A client takes its credentials when it is made: ours must not be the user's real ones."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(environment(before))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", "/moto-api/")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


# the process ---------------------------------------------------------------------------------


def main(argv: list[str]) -> None:
    """Serve SQS on the port given as the only argument, until a signal comes."""
    from moto.server import main as serve  # noqa: PLC0415  only the process needs it

    # One line per request would fill the disk: two receivers ask all the time.
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    one_at_a_time()
    serve(["-H", HOST, "-p", argv[0]])


def one_at_a_time() -> None:
    """Let no two requests change queues at the same time.

    moto's queues are lists without locks: two receivers can be given the same message, and a
    message sent while another is deleted can vanish. Both look like defects of what is tested.
    """
    from moto.sqs.models import SQSBackend  # noqa: PLC0415  see main

    lock = threading.RLock()

    def alone(method: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(method)
        def locked(*args: Any, **named: Any) -> Any:
            with lock:
                return method(*args, **named)

        return locked

    for name in (
        "send_message",
        "delete_message",
        "change_message_visibility",
        "get_queue_attributes",
    ):
        setattr(SQSBackend, name, alone(getattr(SQSBackend, name)))

    take = alone(SQSBackend.receive_message)

    def receive_message(
        self: Any, queue_name: str, count: int, wait_s: int, *more: Any, **named: Any
    ) -> Any:
        """The long poll waits without the lock, and takes with it."""
        deadline = time.monotonic() + wait_s
        while True:
            taken = take(self, queue_name, count, 0, *more, **named)
            left_s = deadline - time.monotonic()
            if taken or left_s <= 0:
                return taken
            self.get_queue(queue_name).wait_for_messages(min(1.0, left_s))

    SQSBackend.receive_message = receive_message  # type: ignore[method-assign, assignment]


if __name__ == "__main__":
    main(sys.argv[1:])
