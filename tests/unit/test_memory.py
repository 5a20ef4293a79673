"""The collector of a long-lived process."""

from __future__ import annotations

import subprocess
import sys

CHECK = """
import gc
from process.memory import YOUNG_OBJECTS, spare_the_collector

class Loop:
    def __init__(self):
        self.me = self

import weakref
spare_the_collector()
assert gc.isenabled() and gc.get_freeze_count() > 1000
gone, young = [], []
lost = weakref.ref(Loop(), gone.append)
while not gone:  # to ask `lost` would hold the loop at the very moment when 3.12 and later look
    young.append([])
    assert len(young) < 2 * YOUNG_OBJECTS, "nobody looks any more"
print(len(young) > 1000)
"""


def test_what_is_set_up_is_left_alone_and_new_cycles_are_still_collected():
    """In a process of its own: the setting is the whole process'."""
    done = subprocess.run(
        [sys.executable, "-c", CHECK], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "True\n"
