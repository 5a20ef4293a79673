"""The garbage collector of a process that lives for weeks and makes values by the thousand."""

from __future__ import annotations

import gc

YOUNG_OBJECTS = 50_000
"""Objects before the collector looks: a transaction's worth, instead of a message's."""


def spare_the_collector() -> None:
    """Call once everything is imported and set up: what is there stays, and is not looked at again.

    Our values hold no cycles and go by reference counts; the collector is for what libraries leave.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 20)
