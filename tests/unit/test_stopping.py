"""What a signal handler tells to stop, stops, whenever the signal comes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from process.stopping import StopSign
from tests.interleave import Background
from tests.signal_moments import MOMENTS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("scene", ["supervise", "ingest"])
def test_a_signal_at_any_moment_of_a_wait_ends_it(scene: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "tests.signal_moments", scene],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split()[-1] == str(MOMENTS), "the signal did not come at every moment"


def test_everybody_who_waits_sees_the_sign_and_so_does_who_comes_later() -> None:
    sign = StopSign()
    waiting = [Background(sign.wait, 20) for _ in range(3)]
    assert not sign.wait(0.01)
    sign.show()
    assert [one.result() for one in waiting] == [True] * 3
    sign.show()
    assert sign.is_shown()
    assert sign.wait(20)
