"""The tests' own data in memory: only where it has room, and given back by whoever was killed."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests import in_memory
from tests.in_memory import clear_up_after_killed_runs, folder_in_memory, purpose_of_this_run


@pytest.fixture
def roomy(tmp_path, monkeypatch):
    monkeypatch.delenv("TMPDIR", raising=False)
    monkeypatch.setattr(in_memory, "ENOUGH_BYTES", 1)
    return tmp_path


def test_memory_with_room_is_taken(roomy):
    assert folder_in_memory(roomy) == roomy


def test_memory_without_room_is_left_alone(roomy, monkeypatch):
    monkeypatch.setattr(in_memory, "ENOUGH_BYTES", 2**60)
    assert folder_in_memory(roomy) is None


def test_a_machine_without_such_a_folder_uses_its_own(roomy):
    assert folder_in_memory(roomy / "none") is None


def test_who_says_where_to_put_things_is_obeyed(roomy, monkeypatch):
    monkeypatch.setenv("TMPDIR", "/elsewhere")
    assert folder_in_memory(roomy) is None


def test_only_what_ended_runs_left_is_cleared_up(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    gone = tmp_path / f"buybox-tests-{ended.pid}-abc_1"
    kept = {
        tmp_path / f"buybox-{purpose_of_this_run()}-abc",
        tmp_path / f"buybox-demo-{ended.pid}-abc",
        tmp_path / "buybox-tests-0x7",
        tmp_path / f"other-{os.getpid()}",
    }
    for folder in (gone, *kept):
        (folder / "data").mkdir(parents=True)
    clear_up_after_killed_runs(tmp_path)
    assert set(tmp_path.iterdir()) == kept
