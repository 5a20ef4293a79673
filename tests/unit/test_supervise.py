"""The supervisor, with real children that do next to nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.processes import wait_for
from worker import supervise
from worker.supervise import Child, Supervisor

ROOT = Path(__file__).parents[2]
SLEEPS = (sys.executable, "-c", "import time; time.sleep(600)")
EXITS = (sys.executable, "-c", "raise SystemExit(3)")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch):
    """Runs a supervisor in a thread; signals belong to the main thread and are left out."""
    monkeypatch.setattr("worker.supervise.signal.signal", lambda *_: None)
    monkeypatch.setattr(supervise, "RESTART_FIRST_S", 0.01)
    running: list[tuple[Supervisor, threading.Thread]] = []

    def start(*children: Child) -> Supervisor:
        supervisor = Supervisor(children)
        thread = threading.Thread(target=supervisor.run, daemon=True)
        thread.start()
        running.append((supervisor, thread))
        return supervisor

    yield start
    for supervisor, thread in running:
        supervisor.stop()
        thread.join(30)
        assert not thread.is_alive()


def test_a_child_that_exits_is_started_again(run) -> None:
    child = Child("exits", EXITS, delay_s=0.01)
    run(child)
    wait_for(lambda: child.restarts >= 3, "three restarts")


def test_each_early_exit_makes_the_next_start_wait_longer(run) -> None:
    child = Child("exits", EXITS, delay_s=0.01)
    run(child)
    wait_for(lambda: child.restarts >= 3, "three restarts")
    assert child.delay_s >= 0.08


def test_a_child_s_exit_does_not_touch_its_sibling(run) -> None:
    exits, sleeps = Child("exits", EXITS, delay_s=0.01), Child("sleeps", SLEEPS)
    run(exits, sleeps)
    wait_for(lambda: exits.restarts >= 2 and sleeps.process, "restarts beside a sleeper")
    assert sleeps.restarts == 0


def test_stopping_stops_every_child(run) -> None:
    children = [Child("one", SLEEPS), Child("two", SLEEPS)]
    supervisor = run(*children)
    wait_for(lambda: all(c.process for c in children), "both started")
    supervisor.stop()
    wait_for(lambda: all(c.process and c.process.poll() is not None for c in children), "both gone")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_the_whole_group_lets_a_child_finish(tmp_path: Path, number: int) -> None:
    """So comes Ctrl-C. A worker that is told twice would end at once, in the middle of a job."""
    said = tmp_path / "said"
    said.touch()
    with subprocess.Popen(
        (sys.executable, "-m", "tests.supervised", str(said)), cwd=ROOT, start_new_session=True
    ) as supervisor:
        try:
            wait_for(said.read_text, "the child ready")
            os.killpg(supervisor.pid, number)
            assert supervisor.wait(30) == 0
        finally:
            supervisor.kill()
    assert said.read_text().split() == ["ready", "finished"]
