"""The garbage collector of a process that lives for weeks and makes values by the thousand."""

from __future__ import annotations

import gc

YOUNG_OBJECTS = 50_000
"""New objects before the collector runs: a transaction's worth, instead of a message's."""


def spare_the_collector() -> None:
    """Call once everything is imported and set up: what exists then is never looked at again.

    Our values hold no cycles and are freed by their reference counts; the collector is for what
    libraries leave.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 20)
