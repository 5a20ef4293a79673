"""Ours behind SQS: the real ingester reads from an emulator on the loopback interface."""

from __future__ import annotations

import http.client
import json
import os
import time
from pathlib import Path

from benchmarks.bodies import read_arrivals
from benchmarks.contenders import DATABASE, OURS_AT_WORK, Plan
from benchmarks.environments import fauxqs
from benchmarks.measure import Run, used_folder, wait_for_workers
from benchmarks.process import Crew, crew
from benchmarks.server import Server, dead_tuples, wal_position
from db.connect import connect
from worker.demo.children import Child, StageError
from worker.demo.emulator import HOST, REGION, environment, free_port
from worker.ingest.sqs import Queue, connect_sqs, create_queue
from worker.settings import Settings

QUEUE_NAME = "bench"
ANSWERS_WITHIN_S = 20.0
START = """
import { buildApp } from "fauxqs";
const [host, port] = process.argv.slice(2);
await buildApp({ logger: false, defaultRegion: "%s" }).listen({ host, port: Number(port) });
"""


def run_through_sqs(server: Server, plan: Plan, cache: Path) -> Run:
    """Fill the queue, then start the ingesters: from their first T1 until all are processed."""
    node, home = fauxqs(cache)
    script = home / "start.mjs"
    script.write_text(START % REGION)
    with (
        server.database(DATABASE) as url,
        crew(used_folder(plan.folder, "sqs"), url) as group,
    ):
        port = free_port()
        emulator = group.start("emulator", [node, str(script), HOST, str(port)])
        _wait_until_it_answers(emulator, port)
        queue = _filled_queue(port, plan)
        for number in range(plan.workers):
            group.worker(f"worker-{number + 1}")
        wait_for_workers(url, group, OURS_AT_WORK, plan.workers)
        before = group.cpu_s().get("emulator", 0.0)
        with connect(url, role="bench", autocommit=True) as conn:
            wal = wal_position(conn)
            _start_ingesters(group, plan, port, queue.url)
            done, complete = _watch(url, group, plan)
            run = Run(done[0] / max(0.001, done[1]), done[0], done[1], complete)
            run.wal_bytes_per_message = (wal_position(conn) - wal) / max(1, done[0])
            run.worker_rss_mb = group.workers_rss_mb()
            emulator_cpu = group.cpu_s().get("emulator", 0.0) - before
            run.dead_tuples = dead_tuples(conn)
        run.more = {
            "emulator_cpu_s": round(emulator_cpu, 2),
            "emulator_cpu_ms_per_message": round(1000 * emulator_cpu / max(1, done[0]), 3),
        }
        return run


def _settings(port: int, url: str | None = None) -> Settings:
    return Settings(sqs_endpoint_url=f"http://{HOST}:{port}", aws_region=REGION, sqs_queue_url=url)


def _filled_queue(port: int, plan: Plan) -> Queue:
    os.environ.update(environment(os.environ))  # no real key is ever used from here on
    client = connect_sqs(_settings(port))
    url = create_queue(client, QUEUE_NAME, attributes={"VisibilityTimeout": "120"})
    queue = Queue(client, url, "sqs")
    arrivals = read_arrivals(plan.bodies, skip=plan.skip, count=plan.messages, part=0, parts=1)
    queue.send([arrival.body.decode() for arrival in arrivals])
    return queue


def _start_ingesters(group: Crew, plan: Plan, port: int, queue_url: str) -> None:
    for number in range(plan.ingesters):
        group.start(
            f"ingest-{number + 1}",
            [group.python, "-m", "worker.ingest"],
            SQS_ENDPOINT_URL=f"http://{HOST}:{port}",
            SQS_QUEUE_URL=queue_url,
        )


def _watch(url: str, group: Crew, plan: Plan) -> tuple[tuple[int, float], bool]:
    deadline = time.monotonic() + plan.limit_s
    with connect(url, role="bench", autocommit=True) as conn:
        while True:
            row = conn.execute(
                "SELECT count(*) FILTER (WHERE status = 'processed'),"
                " extract(epoch FROM max(processed_at) - min(received_at))::float8"
                " FROM worker_notifications"
            ).fetchone()
            processed, seconds = (int(row[0]), float(row[1] or 0)) if row else (0, 0.0)
            if processed >= plan.messages or time.monotonic() > deadline:
                return (processed, seconds), processed >= plan.messages
            group.check()
            time.sleep(0.5)


def _wait_until_it_answers(child: Child, port: int) -> None:
    deadline = time.monotonic() + ANSWERS_WITHIN_S
    while time.monotonic() < deadline:
        child.check()
        connection = http.client.HTTPConnection(HOST, port, timeout=2)
        try:
            connection.request("GET", "/health")
            if json.loads(connection.getresponse().read()).get("status") == "ok":
                return
        except (OSError, ValueError, http.client.HTTPException):
            time.sleep(0.05)
        finally:
            connection.close()
    raise StageError(f"the SQS emulator did not answer within {ANSWERS_WITHIN_S:.0f} s")
