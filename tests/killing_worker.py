"""procrastinate's worker, in which the analysis of one message ends the process.

`KILLED_BY=<trace id> python -m tests.killing_worker --app=worker.app.app worker`
"""

from __future__ import annotations

import os
import runpy
import signal
from typing import Any

from worker.analysis import decide

sound = decide.apply_event


def apply_event(state: Any, event: Any, *more: Any) -> Any:
    """Nothing of this process is left to say what it died of."""
    if event.trace_id == os.environ["KILLED_BY"]:
        os.kill(os.getpid(), signal.SIGKILL)
    return sound(state, event, *more)


if __name__ == "__main__":
    decide.apply_event = apply_event
    runpy.run_module("procrastinate", run_name="__main__", alter_sys=True)
