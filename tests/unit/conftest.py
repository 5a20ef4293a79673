"""Fixtures that several unit tests share."""

from __future__ import annotations

from typing import Any

import pytest

from tests.traffic import NOW, Run, envelope
from worker.demo.traffic import Traffic


@pytest.fixture(scope="session")
def run() -> Run:
    """Three thousand messages of the demo's traffic; nobody may change them."""
    traffic = Traffic(seed=7, messages=3_000, now=NOW)
    return Run(list(traffic), traffic.truth)


@pytest.fixture(scope="session")
def offers(run: Run) -> list[dict[str, Any]]:
    """The consumer offer notifications sent first, out of whatever wraps them."""
    return [envelope(s.body) for s in run.sent if s.kind == "market"]
