"""A program: a supervisor of one child that stops as a procrastinate worker does.

The first signal lets the child finish what it is at, and then say so in the file it is given; a
second one finds the default handler and ends it at once. There it also says that it is ready.
"""

from __future__ import annotations

import sys

from worker.supervise import Child, Supervisor

WORKER = """
import signal, sys, time

def finish(number, frame):
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    time.sleep(1)
    say("finished")
    raise SystemExit

def say(what):
    with open(sys.argv[1], "a") as file:
        file.write(what + " ")

signal.signal(signal.SIGTERM, finish)
signal.signal(signal.SIGINT, finish)
signal.signal(signal.SIGHUP, finish)
signal.alarm(60)  # whatever becomes of the test, nothing is left of it
say("ready")
while True:
    signal.pause()
"""

if __name__ == "__main__":
    Supervisor([Child("worker", (sys.executable, "-c", WORKER, sys.argv[1]))]).run()
