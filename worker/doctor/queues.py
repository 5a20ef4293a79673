"""The SQS queues: there, set up as the settings say, and open to us.

Nothing here takes a message. Whether we may receive cannot be asked without receiving: even with a
visibility timeout of 0 it would count as a receive and bring the message closer to the dead
letters. Deleting and giving back are asked for with a receipt handle that no message has.
"""

from __future__ import annotations

import json

from worker.doctor.finding import Finding, ok, problem, warning
from worker.ingest.sqs import Queue, QueueAttributes, QueueError, error_code, is_denied
from worker.settings import Settings
from worker.wording import counted

GRANT = "Allow sqs:{action} on the queue in the IAM policy of the user whose keys are set."


def check_queue(
    queue: Queue, settings: Settings, dead_letters: QueueAttributes | None
) -> list[Finding]:
    """Everything about one queue that the ingester reads."""
    name = queue.source
    try:
        found = queue.attributes()
    except QueueError as error:
        return [unreachable(name, error)]
    return [
        ok(name, f"reachable, {found.visible} waiting, {found.in_flight} in flight"),
        check_kind(name, queue.url),
        check_visibility(name, found, settings.visibility_timeout),
        *check_redrive(name, found, settings, dead_letters),
        check_permission(name, queue),
    ]


def check_dead_letters(queue: Queue) -> tuple[list[Finding], QueueAttributes | None]:
    """The dead letter queue is reachable and empty; its attributes for comparison."""
    try:
        found = queue.attributes()
    except QueueError as error:
        return [unreachable("dlq", error)], None
    if found.visible == 0:
        return [ok("dlq", "reachable and empty")], found
    return [
        warning(
            "dlq",
            f"{counted(found.visible, 'message')} in the dead letter queue",
            "Mend what stopped them, then start a DLQ redrive in the SQS console: what was "
            "stored before is absorbed as a repeat.",
        )
    ], found


def unreachable(name: str, error: Exception) -> Finding:
    """What to do about a queue that does not answer, by its error."""
    code = error_code(error)
    if is_denied(error):
        do = GRANT.format(action="GetQueueAttributes")
    elif "NonExistentQueue" in code or "QueueDoesNotExist" in code:
        do = "Correct the queue's URL and AWS_REGION: there is no such queue in that region."
    elif "Credentials" in code or "Token" in code or "Signature" in code:
        do = "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to the keys of a user that exists."
    else:
        do = "Check the queue's URL, AWS_REGION and the network's way to AWS."
    return problem(name, f"the queue does not answer: {code}", do)


def check_kind(name: str, url: str) -> Finding:
    """Amazon sends notifications to standard queues only."""
    if not url.endswith(".fifo"):
        return ok(f"{name}-kind", "a standard queue")
    return problem(
        f"{name}-kind",
        "a FIFO queue, to which Amazon sends no notifications",
        "Create a standard queue and a new destination for it.",
    )


def check_visibility(name: str, found: QueueAttributes, expected_s: int) -> Finding:
    """The queue's own visibility timeout equals the setting, which each receive asks for."""
    has_s = found.visibility_timeout_s
    if has_s == expected_s:
        return ok(f"{name}-visibility", f"{has_s} s")
    return warning(
        f"{name}-visibility",
        f"the queue says {has_s} s, VISIBILITY_TIMEOUT {expected_s} s (the setting is in force)",
        f"Set the queue's visibility timeout to {expected_s} s, so that every reader has the same.",
    )


def check_redrive(
    name: str, found: QueueAttributes, settings: Settings, dead_letters: QueueAttributes | None
) -> list[Finding]:
    """Messages that are received again and again end in the queue that DLQ_URL watches."""
    name = f"{name}-redrive"
    policy = _policy(found.redrive_policy)
    if policy is None:
        says = "the queue has no redrive policy: a message nobody can take comes again for ever"
        do = "Add a redrive policy with a dead letter queue to the queue, and its URL as DLQ_URL."
        return [problem(name, says, do) if settings.dlq_url else warning(name, says, do)]
    target, receives = policy
    findings = []
    if dead_letters is not None and target != dead_letters.arn:
        findings.append(
            problem(
                name,
                f"dead letters go to {target}, DLQ_URL is {dead_letters.arn}",
                "Set DLQ_URL to the queue that the redrive policy names.",
            )
        )
    if receives != settings.max_receive_count:
        findings.append(
            warning(
                name,
                f"maxReceiveCount is {receives}, MAX_RECEIVE_COUNT {settings.max_receive_count}",
                "Set both to the same number, or remember which is which: the queue counts "
                "receives, the setting attempts at analysis.",
            )
        )
    return findings or [ok(name, f"after {receives} receives to {target}")]


def check_permission(name: str, queue: Queue) -> Finding:
    """We may delete and give back; receiving is not asked for (see the module)."""
    name = f"{name}-permissions"
    denied = []
    try:
        if not queue.may_delete():
            denied.append("DeleteMessage")
        if not queue.may_give_back():
            denied.append("ChangeMessageVisibility")
    except QueueError as error:
        return warning(
            name,
            f"could not be learned: {error_code(error)}",
            "Run buybox doctor again; if it stays, check the user's IAM policy by hand.",
        )
    if denied:
        return problem(
            name, f"denied: {', '.join(denied)}", GRANT.format(action=" and sqs:".join(denied))
        )
    return ok(
        name,
        "may delete and give back; ReceiveMessage is not probed, since a probe counts as a receive "
        "(ops.worker_health shows receive_errors)",
    )


def _policy(text: str | None) -> tuple[str, int] | None:
    if not text:
        return None
    try:
        policy = json.loads(text)
        return str(policy["deadLetterTargetArn"]), int(policy["maxReceiveCount"])
    except (ValueError, KeyError, TypeError):
        return None
