"""The doctor's judgements on values: no database, no queue."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import boto3
import psycopg
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError

from db.probes import Readiness
from db.rows import DatabaseFindings
from process.settings import SettingsError
from worker.doctor import database, queues
from worker.doctor.checks import examine
from worker.doctor.finding import MASK, masked, problem, secrets_of
from worker.doctor.settings import check_settings
from worker.ingest.sqs import Queue, QueueAttributes
from worker.settings import Settings
from worker.wording import counted

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FOUND = DatabaseFindings(
    procrastinate_version="3.10.0",
    has_ops_reader=True,
    notification_queue_usage=0.0,
    bodies_without_partition=0,
    history_without_partition=0,
    swept_products=0,
)
READY = Readiness(
    NOW, is_read_only=False, is_standby=False, missing_privileges=[], missing_partitions=[]
)
DLQ = QueueAttributes("arn:aws:sqs:eu-west-1:1:dead", 0, 0, 30, None)
MAIN = QueueAttributes(
    "arn:aws:sqs:eu-west-1:1:main",
    0,
    0,
    120,
    '{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:1:dead","maxReceiveCount":"3"}',
)
SETTINGS = Settings(database_url="postgresql://x", sqs_queue_url="http://q", dlq_url="http://d")


def levels(findings):
    return {finding.name: finding.level for finding in findings}


def client_error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "GetQueueAttributes")


def test_complete_settings_are_one_finding():
    assert levels(check_settings(SETTINGS)) == {"settings": "ok"}


def test_each_missing_setting_is_a_finding_of_its_own():
    assert levels(check_settings(Settings())) == {
        "DATABASE_URL": "problem",
        "SQS_QUEUE_URL": "problem",
        "DLQ_URL": "warning",
    }


def test_an_emulator_on_a_deployed_service_is_a_problem(monkeypatch):
    monkeypatch.setenv("RENDER", "true")
    settings = SETTINGS.model_copy(update={"sqs_endpoint_url": "http://localhost"})
    assert levels(check_settings(settings)) == {"SQS_ENDPOINT_URL": "problem"}


def test_what_is_missing_is_told_and_nothing_is_asked_of_it():
    assert levels(examine(Settings)) == levels(check_settings(Settings()))


def refuse(_url):
    raise psycopg.OperationalError("Connection refused\nIs the server running?")


def test_a_database_away_is_told_in_a_line_and_the_queue_is_examined_all_the_same(monkeypatch):
    monkeypatch.setattr(Queue, "attributes", lambda _: 1 / 0)
    settings = SETTINGS.model_copy(update={"dlq_url": None})
    *_, away, queue = examine(lambda: settings, connect_to=refuse)
    assert (away.name, away.says) == ("database", "cannot be reached: Connection refused")
    assert "firewall" in away.do
    assert queue.says == "could not be examined: ZeroDivisionError: division by zero"


def test_half_of_the_keys_is_a_finding(monkeypatch):
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    *_, away, queue = examine(lambda: SETTINGS, connect_to=refuse)
    assert (away.name, queue.name, queue.level) == ("database", "sqs", "problem")
    assert "missing: AWS_SECRET_ACCESS_KEY" in queue.says


def test_a_string_that_is_no_address_is_told_as_one():
    settings = SETTINGS.model_copy(update={"database_url": "postgres:/x", "sqs_queue_url": None})
    *_, found = examine(lambda: settings)
    assert (found.name, found.level) == ("database", "problem")
    assert found.says == "DATABASE_URL is no connection string"


def test_unreadable_settings_are_the_only_finding():
    def load():
        raise SettingsError("RECEIVERS='x': not a number")

    (finding,) = examine(load)
    assert (finding.level, finding.says) == ("problem", "RECEIVERS='x': not a number")


@pytest.mark.parametrize(("version", "level"), [(140_999, "problem"), (150_000, "ok")])
def test_postgres_15_is_the_oldest(version, level):
    assert database.check_version(version).level == level


@pytest.mark.parametrize(
    ("applied", "installed", "level"),
    [
        ("3.10.0", "3.10.7", "ok"),
        ("3.9.0", "3.10.0", "problem"),
        ("3.10.0", "3.11.0", "problem"),
        (None, "3.10.0", "problem"),
    ],
)
def test_the_queues_schema_and_package_share_a_minor(applied, installed, level):
    found = replace(FOUND, procrastinate_version=applied)
    assert database.check_procrastinate(found, installed=installed).level == level


@pytest.mark.parametrize(("usage", "level"), [(0.49, "ok"), (0.5, "problem")])
def test_the_bell_queue_is_judged_at_half(usage, level):
    found = replace(FOUND, notification_queue_usage=usage)
    assert database.check_bell_queue(found).level == level


@pytest.mark.parametrize(
    ("offset_s", "level"), [(0, "ok"), (4.9, "ok"), (5, "warning"), (-5, "warning")]
)
def test_clocks_may_differ_by_less_than_five_seconds(offset_s, level):
    before, after = NOW, NOW + timedelta(milliseconds=20)
    server = NOW + timedelta(milliseconds=10, seconds=offset_s)
    assert database.check_clock(before, server, after).level == level


def test_where_writes_go_nowhere_it_says_why():
    assert database.check_writes(READY).level == "ok"
    standby = database.check_writes(replace(READY, is_read_only=True, is_standby=True))
    assert (standby.level, "standby" in standby.says, "primary" in standby.do) == (
        "problem",
        True,
        True,
    )
    full = database.check_writes(replace(READY, is_read_only=True))
    assert (full.level, "disk" in full.do) == ("problem", True)


def test_partitions_must_be_ahead_and_the_default_ones_empty():
    assert database.check_partitions(FOUND, READY).level == "ok"
    assert database.check_partitions(FOUND, replace(READY, missing_partitions=["b"])).level == (
        "problem"
    )
    astray = replace(FOUND, bodies_without_partition=2, history_without_partition=3)
    found = database.check_partitions(astray, READY)
    assert (found.level, found.says) == ("warning", "5 rows in default partitions")


def test_a_missing_role_and_a_swept_product_are_warnings():
    assert database.check_reader_role(replace(FOUND, has_ops_reader=False)).level == "warning"
    assert database.check_sweeper(replace(FOUND, swept_products=2)).level == "warning"
    assert database.check_sweeper(replace(FOUND, swept_products=None)).level == "ok"


def test_missing_privileges_are_named():
    finding = database.check_privileges(replace(READY, missing_privileges=["INSERT on x"]))
    assert finding.level == "problem"
    assert "INSERT on x" in finding.says


def test_a_fifo_queue_is_a_problem():
    assert queues.check_kind("sqs", "https://sqs/1/q.fifo").level == "problem"
    assert queues.check_kind("sqs", "https://sqs/1/q").level == "ok"


def test_the_queues_visibility_should_be_the_settings():
    assert queues.check_visibility("sqs", MAIN, 120).level == "ok"
    assert queues.check_visibility("sqs", MAIN, 30).level == "warning"


@pytest.mark.parametrize(
    ("policy", "level"),
    [
        (MAIN.redrive_policy, "ok"),
        (None, "problem"),
        ("not json", "problem"),
        ('{"maxReceiveCount":3}', "problem"),
        ("null", "problem"),
        ('{"deadLetterTargetArn":"arn:other","maxReceiveCount":3}', "problem"),
        ('{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:1:dead","maxReceiveCount":9}', "warning"),
    ],
)
def test_the_redrive_policy_must_lead_where_the_settings_say(policy, level):
    (finding,) = queues.check_redrive("sqs", replace(MAIN, redrive_policy=policy), SETTINGS, DLQ)
    assert finding.level == level


def test_no_redrive_policy_and_no_dlq_setting_is_a_warning_only():
    settings = SETTINGS.model_copy(update={"dlq_url": None})
    (finding,) = queues.check_redrive("sqs", replace(MAIN, redrive_policy=None), settings, None)
    assert finding.level == "warning"


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (client_error("AccessDenied"), "sqs:GetQueueAttributes"),
        (client_error("AccessDeniedException"), "sqs:GetQueueAttributes"),
        (client_error("AWS.SimpleQueueService.NonExistentQueue"), "there is no such queue"),
        (client_error("QueueDoesNotExist"), "there is no such queue"),
        (client_error("SignatureDoesNotMatch"), "AWS_SECRET_ACCESS_KEY"),
        (client_error("InvalidClientTokenId"), "AWS_ACCESS_KEY_ID"),
        (NoCredentialsError(), "AWS_ACCESS_KEY_ID"),
        (EndpointConnectionError(endpoint_url="http://x"), "network"),
    ],
)
def test_a_silent_queue_says_what_to_do(error, word):
    finding = queues.unreachable("sqs", error)
    assert finding.level == "problem"
    assert word in finding.do


class _Guarded:
    """A queue whose policy denies some calls."""

    source = "sqs"

    def __init__(self, *, delete=True, give_back=True, error=None):
        self._answers, self._error = (delete, give_back), error

    def may_delete(self):
        if self._error:
            raise self._error
        return self._answers[0]

    def may_give_back(self):
        return self._answers[1]


def test_denied_permissions_are_named():
    finding = queues.check_permission("sqs", _Guarded(delete=False, give_back=False))
    assert finding.level == "problem"
    assert "sqs:DeleteMessage and sqs:ChangeMessageVisibility" in finding.do


def test_permitted_says_that_receiving_was_not_tried():
    finding = queues.check_permission("sqs", _Guarded())
    assert finding.level == "ok"
    assert "not probed" in finding.says


def test_a_permission_that_cannot_be_learned_is_a_warning():
    assert queues.check_permission("sqs", _Guarded(error=client_error("Throttled"))).level == (
        "warning"
    )


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("postgresql://u:hunter2@host/db", "hunter2"),
        ("postgresql://u:h%40nter2@host/db", "h@nter2"),
        ("postgresql://u:h%40nter2@host/db", "h%40nter2"),
        ("postgresql://u:h%40nter2@host:notaport/db?x", "h@nter2"),
        ("host=h user=u password=hunter2 dbname=d", "hunter2"),
        ("host=h password=hunter2 and nonsense", "hunter2"),
        ("postgresql://u:hunter2@host:notaport/db?x", "hunter2"),
    ],
)
def test_passwords_are_masked(url, secret):
    finding = problem("database", f"failed for {secret} at {url}", f"try {secret}")
    shown = masked(finding, secrets_of(url))
    assert secret not in shown.says + shown.do
    assert MASK in shown.says


@pytest.mark.parametrize("secret", ["x", "exam", "in"])
def test_a_short_password_is_masked_as_a_word_and_not_inside_others(secret):
    given = f"examined at nginx: password={secret}, '{secret}' or db_{secret}"
    url = f"postgresql://u:{secret}@host/db"
    shown = masked(problem("database", given, url), secrets_of(url))
    assert shown.says == f"examined at nginx: password={MASK}, '{MASK}' or db_{MASK}"
    assert shown.do == MASK


def test_a_long_secret_is_masked_wherever_it_stands():
    shown = masked(problem("sqs", r"said \nverysecret2", ""), ["verysecret"])
    assert shown.says == rf"said \n{MASK}2"


def test_aws_keys_are_masked(monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "verysecret")
    shown = masked(problem("sqs", "signature of verysecret", ""), secrets_of(None))
    assert shown.says == f"signature of {MASK}"


@pytest.mark.parametrize(("number", "told"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows")])
def test_a_finding_counts_as_people_do(number, told):
    assert counted(number, "row") == told
    if number:
        found = database.check_partitions(replace(FOUND, bodies_without_partition=number), READY)
        assert found.says == f"{told} in default partitions"
