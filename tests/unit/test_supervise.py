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

DEAF = """
import pathlib, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path(sys.argv[1]).touch()
time.sleep(600)
"""


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


def test_a_child_that_exits_early_is_not_started_before_its_time(run) -> None:
    waits, exits = Child("waits", EXITS, delay_s=600), Child("exits", EXITS, delay_s=0.01)
    run(waits, exits)
    wait_for(lambda: waits.restarts == 1 and exits.restarts >= 3, "both ended, one went on")
    assert waits.process is None
    assert waits.restarts == 1


def test_one_that_ran_well_for_long_is_started_again_soon(run, monkeypatch) -> None:
    monkeypatch.setattr(supervise, "HEALTHY_AFTER_S", 0.0)
    child = Child("exits", EXITS, delay_s=600)
    run(child)
    wait_for(lambda: child.restarts >= 2, "two restarts")


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


def test_a_child_that_does_not_stop_is_killed(run, monkeypatch, tmp_path: Path) -> None:
    """Else the supervisor would wait for it until the platform kills both."""
    monkeypatch.setattr(supervise, "STOP_WITHIN_S", 0.2)
    child = Child("deaf", (sys.executable, "-c", DEAF, str(tmp_path / "deaf")))
    supervisor = run(child)
    wait_for((tmp_path / "deaf").exists, "the child hears no SIGTERM")
    process = child.process
    supervisor.stop()
    wait_for(lambda: process.poll() == -signal.SIGKILL, "it was killed")


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
