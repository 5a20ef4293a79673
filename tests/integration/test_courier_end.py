"""A delivery that is on its way when the worker ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
TAKEN_AT_THE_END = """
import asyncio, sys, threading
from worker import app as room
from worker.delivery import courier
from worker.delivery.channels.network import addresses_of
from worker.settings import Settings

couriers, taken = [], threading.Event()

def deliver_next(*_, **__):
    if taken.is_set():
        print("took another one")
    taken.set()
    threading.main_thread().join(2)  # until the process ends, or waits for us
    print("found", addresses_of("localhost", 25, allow_private=True, timeout_s=5))
    return True

def courier_from(*given, real=room.courier_from):
    couriers.append(real(*given))
    return couriers[0]

async def work():
    async with app.open_async():
        couriers[0].ring()
        await asyncio.to_thread(taken.wait, 20)

courier.deliver_next, room.courier_from = deliver_next, courier_from
app = room.build_app(Settings(database_url=sys.argv[1]))
asyncio.run(work())
"""


def test_it_can_still_resolve_names_and_nothing_more_is_taken(database_url: str) -> None:
    """Once the interpreter begins to end it refuses work for its pools of threads."""
    ended = subprocess.run(
        [sys.executable, "-c", TAKEN_AT_THE_END, database_url],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = ended.stdout + ended.stderr
    assert ended.returncode == 0, said
    assert "found [" in said, said
    assert "took another one" not in said
    assert "Error" not in said, said
