"""The watchdog: what hangs is noticed in time, what lives is left alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from process.watchdog import EXIT_CODE, LOOKS_EVERY_S, NoWatchdog, Watchdog


class Case:
    """A watchdog whose time the test makes, and how often it wanted to end the process."""

    def __init__(self) -> None:
        self.now = 0.0
        self.ends = 0
        self.watchdog = Watchdog(90, end=self._end, clock=lambda: self.now)

    def pass_time(self, seconds: float) -> None:
        """Second by second, as a process that runs."""
        for _ in range(int(seconds / LOOKS_EVERY_S)):
            self.now += LOOKS_EVERY_S
            self.watchdog.look()

    def _end(self) -> None:
        self.ends += 1


@pytest.fixture
def case() -> Case:
    return Case()


def test_what_takes_too_long_ends_the_process_and_not_before(case: Case) -> None:
    with case.watchdog.watching("T1"):
        case.pass_time(89)
        assert case.ends == 0
        case.pass_time(1)
        assert case.ends == 1


def test_what_was_over_in_time_is_not_held_against_anybody(case: Case) -> None:
    with case.watchdog.watching("T1"):
        case.pass_time(60)
    with pytest.raises(ValueError), case.watchdog.watching("T1"):
        raise ValueError
    case.pass_time(1000)
    assert case.ends == 0


def test_what_is_heard_of_again_and_again_may_go_on_for_ever(case: Case) -> None:
    heart = case.watchdog.expect("the worker")
    for _ in range(100):
        case.pass_time(80)
        heart.renew()
    assert case.ends == 0
    case.pass_time(90)
    assert case.ends == 1


def test_one_that_hangs_is_seen_beside_others_that_do_not(case: Case) -> None:
    heart = case.watchdog.expect("the worker")
    with case.watchdog.watching("a delivery", more_s=110):
        for _ in range(3):
            case.pass_time(50)
            heart.renew()
        case.pass_time(49)
        assert case.ends == 0, "it may take so much longer"
        heart.renew()
        case.pass_time(1)
        assert case.ends == 1


def test_a_process_that_was_suspended_has_not_hung(case: Case) -> None:
    heart = case.watchdog.expect("the worker")
    case.pass_time(80)
    case.now += 8 * 3600
    case.watchdog.look()
    assert case.ends == 0
    heart.renew()
    case.pass_time(89)
    assert case.ends == 0


def test_without_a_watchdog_nothing_is_counted() -> None:
    case = Case()
    nobody = NoWatchdog(1, end=case._end, clock=lambda: case.now)
    nobody.expect("the worker")
    with nobody.watching("T1"):
        case.now += 2
        nobody.look()
    assert case.ends == 0


HANGING = """
import threading
from process.watchdog import Watchdog

lock = threading.Lock()
lock.acquire()
threading.Thread(target=lock.acquire).start()  # one that would keep the process from ending
with Watchdog(1).watching("a lock"):
    lock.acquire()
"""


def test_a_process_ends_although_its_threads_hang_and_says_where_they_stand() -> None:
    done = subprocess.run(
        [sys.executable, "-c", HANGING],
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == EXIT_CODE
    assert "hangs" in done.stdout
    assert "a lock" in done.stdout
    assert 'File "<string>", line 9' in done.stderr
