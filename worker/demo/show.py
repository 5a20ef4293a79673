"""The demo itself: set the stage, send, watch, drain, verify."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg
from rich.console import Console
from rich.text import Text

from db.connect import connect
from worker.demo.bells import Listener
from worker.demo.children import StageError
from worker.demo.interrupts import Interrupted, Interrupts
from worker.demo.operator import Operator, count_alerts
from worker.demo.sender import Sender
from worker.demo.stage import Stage
from worker.demo.texts import seconds
from worker.demo.verdict import Told, Verdict, collect, count_swept, judge, read_repeats
from worker.demo.view import View, make_view, print_verdict
from worker.demo.watch import Standing, Watch, count_in_sqs
from worker.ingest.sqs import QueueError
from worker.settings import Settings

LOOK_EVERY_S = 0.5
NO_PROGRESS_S = 60.0
LAST_BELLS_S = 2.0
SHOWN_COMPLAINTS = 5


@dataclass(frozen=True, slots=True)
class Options:
    """What the user asked for. `messages` is the size of a batch when the demo is endless."""

    messages: int = 500
    rate: float = 20.0
    exit_when_done: bool = False
    seed: int = 1
    workers: int = 2
    reuse: bool = False


@dataclass(frozen=True, slots=True)
class _Cast:
    """Who takes part once the stage is set."""

    stage: Stage
    sender: Sender
    listener: Listener
    interrupts: Interrupts
    operator: Operator | None

    def check(self) -> None:
        """Raise StageError if anybody has given up."""
        self.stage.check()
        self.sender.check()
        self.listener.check()


def run(options: Options, settings: Settings, console: Console) -> int:
    """Run the demo and return its exit code. It leaves nothing running."""
    started = time.monotonic()

    def say(line: str) -> None:
        took = Text(f"{seconds(time.monotonic() - started):>9}  {line}")
        console.print(took, soft_wrap=True)

    with Interrupts() as interrupts:
        stage = Stage(
            settings,
            workers=options.workers,
            reuse=options.reuse,
            interrupts=interrupts,
            say=say,
        )
        try:
            with stage:
                verdict = _play(stage, options, console, interrupts, say, started)
                print_verdict(console, verdict)
                if stage.keep_logs:
                    console.print(Text(f"Logs: {stage.folder}"), soft_wrap=True)
        except Interrupted as signal:
            console.print("ended early; nothing was verified")
            return signal.exit_code
        except (StageError, psycopg.Error, *QueueError) as error:
            console.print(Text(f"The demo cannot go on. {error}", style="red"), soft_wrap=True)
            console.print(Text(f"Logs: {stage.folder}"), soft_wrap=True)
            return 1
    return verdict.exit_code


def _play(
    stage: Stage,
    options: Options,
    console: Console,
    interrupts: Interrupts,
    say: Callable[[str], None],
    began: float,
) -> Verdict:
    since, started = datetime.now(UTC), time.monotonic()
    sender = Sender(
        stage.queue,
        messages=options.messages,
        rate=options.rate,
        seed=options.seed,
        endless=not options.exit_when_done,
    )
    with ExitStack() as end:
        conn = end.enter_context(connect(stage.settings.dsn, role="demo", autocommit=True))
        swept_before = count_swept(conn)
        listener = Listener(stage.settings.dsn)
        end.callback(listener.stop)
        # The alerts' settings of somebody else's database are left alone.
        operator = None if options.reuse else end.enter_context(Operator(conn))
        cast = _Cast(stage, sender, listener, interrupts, operator)
        say("sending" if options.exit_when_done else "sending until Ctrl-C")
        interrupts.gentle = True
        listener.start()
        sender.start()
        end.callback(sender.stop)
        title = f"{options.rate:g}/s, seed {options.seed}, {options.workers} workers"
        with make_view(console, title=title) as view:
            watch = Watch(conn, stage.queue, sender, listener, since=since, began=began)
            last = _watch(cast, watch, view)
        duration_s = time.monotonic() - started

        settled = operator is None or (last.is_drained and operator.settle())
        complaints = stage.complaints()
        in_sqs = count_in_sqs(stage.queue)
        _wait_for_the_last_bell(watch)
        # Its last heartbeat says how many repeats the ingester has absorbed.
        troubles = stage.stop_children()
        found = collect(
            conn,
            since=since,
            repeats=read_repeats(conn, stage.ingester_id),
            in_sqs=in_sqs,
            heard=listener.heard,
            swept_before=swept_before,
            alerts=operator.open_alerts() if operator else None,
        )
        counts = count_alerts(conn, since=since)
    told = Told.by(sender.truths)
    verdict = judge(told, found, duration_s=duration_s, alone=not options.reuse)
    if not last.is_drained:
        troubles.append(f"nothing moved for {NO_PROGRESS_S:.0f} s while messages waited")
    if sender.planned is not None and told.sent < sender.planned:
        troubles.append(f"stopped after {told.sent} of {sender.planned} messages")
    if not settled:
        troubles.append("the alerts did not settle")
    verdict.problems.extend(troubles)
    verdict.summary.append(("alerts", str(counts)))
    verdict.summary.append(("log warnings", str(len(complaints))))
    for line in complaints[:SHOWN_COMPLAINTS]:
        say(f"logged by {line}")
    stage.keep_logs = bool(complaints) or verdict.exit_code != 0
    return verdict


def _watch(cast: _Cast, watch: Watch, view: View) -> Standing:
    """Show how it stands until all is sent and drained, or nothing moves any more."""
    seen: tuple[int, ...] = ()
    moved_at = time.monotonic()
    while True:
        cast.check()
        if cast.operator is not None:
            cast.operator.look()
        if cast.interrupts.asked:
            cast.sender.stop()
        sending = cast.sender.is_alive()
        now = watch.look("sending" if sending else "draining")
        view.show(now)
        if not sending and now.is_drained:
            cast.check()
            return now
        done = now.outcomes
        moves = (now.sent, now.in_sqs, now.jobs, done.stored, done.waiting, done.quarantined)
        if moves != seen:
            seen, moved_at = moves, time.monotonic()
        elif time.monotonic() - moved_at > NO_PROGRESS_S:
            return now
        time.sleep(LOOK_EVERY_S)


def _wait_for_the_last_bell(watch: Watch) -> None:
    """The last change is committed; its bell may still be on its way."""
    deadline = time.monotonic() + LAST_BELLS_S
    while watch.look("draining").latency.unheard and time.monotonic() < deadline:
        time.sleep(0.05)
