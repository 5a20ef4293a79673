"""What the tests of this folder share: T2 taking many products along, some, or none."""

from __future__ import annotations

import pytest

from tests import interleave


@pytest.fixture(params=[0, 1, 128], ids="siblings={}".format)
def siblings(request, monkeypatch):
    """How many other products each T2 of the test may take along."""
    monkeypatch.setattr(interleave, "MAX_SIBLINGS", request.param)
    return request.param
