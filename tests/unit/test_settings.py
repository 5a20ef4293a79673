"""Settings: from the environment, checked at start, mistakes answered in a sentence."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
import pytest
from cryptography.fernet import Fernet

import db
from api.settings import ApiSettings
from db.connect import conninfo
from process.settings import SettingsError, load
from worker.settings import Settings, load_settings


def test_the_plan_s_defaults() -> None:
    settings = Settings()
    assert (settings.visibility_timeout, settings.max_receive_count, settings.batch_size) == (
        120,
        3,
        10,
    )
    assert settings.severity_policy == "full"


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLQ_URL", "")
    assert load_settings().dlq_url is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BATCH_SIZE", "11"),
        ("BATCH_SIZE", "ten"),
        ("VISIBILITY_TIMEOUT", "0"),
        ("MAX_RECEIVE_COUNT", "0"),
        ("SEVERITY_POLICY", "strict"),
        ("SALES_THRESHOLD", "-1"),
        ("STALLED_AFTER_SECONDS", "5"),
    ],
)
def test_a_wrong_value_is_named_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name) as caught:
        load_settings()
    assert "\n" not in str(caught.value)


def test_the_region_comes_from_the_queue_unless_it_is_set() -> None:
    url = "https://sqs.us-west-2.amazonaws.com/123456789012/notifications"
    assert Settings(sqs_queue_url=url).region == "us-west-2"
    assert Settings(sqs_queue_url=url, aws_region="eu-west-1").region == "eu-west-1"
    assert Settings().region == "eu-west-1"


def test_the_database_s_password_is_not_shown() -> None:
    settings = Settings(database_url="postgresql://me:secret@host/db")
    assert "secret" not in repr(settings)


def test_a_missing_database_says_what_to_set() -> None:
    with pytest.raises(SettingsError, match="DATABASE_URL is not set"):
        _ = Settings().dsn


MISTYPED = [
    '"postgresql://u:S3cretPw@h/db"',
    "postgres:/user:S3cretPw@h",
    "postgresql+psycopg://u:S3cretPw@h/db",
    "postgresql://u:S3cretPw%@h/db",
    "postgresql://u:S3cretPw/more@h/db",
    "postgresql://u:p@S3cretPw@h/db",
]


@pytest.mark.parametrize("address", MISTYPED)
def test_a_mistyped_database_is_named_and_never_quoted(address: str) -> None:
    with pytest.raises(SettingsError, match="DATABASE_URL is no connection string") as of_settings:
        _ = Settings(database_url=address).dsn
    with pytest.raises(psycopg.ProgrammingError, match="no connection string") as of_connecting:
        conninfo(address)
    assert "S3cret" not in str(of_settings.value) + str(of_connecting.value)
    assert of_settings.value.__cause__ is of_connecting.value.__cause__ is None


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://u:p%40w%2F%25@h:5432/db",
        "postgresql://u:p@one:5432,two:5433/db",
        "postgresql://u@[::1]:5432/db",
        "postgresql:///db?host=/run/postgresql",
        "host=h dbname=db",
    ],
)
def test_every_address_that_libpq_reads_is_taken(address: str) -> None:
    assert Settings(database_url=address).dsn == address
    assert conninfo(address)


def test_a_worker_at_the_longest_heartbeat_may_miss_one_before_the_view_calls_it_lost() -> None:
    view = (Path(db.__file__).parent / "code" / "views" / "worker_health.sql").read_text("utf-8")
    (lost_after,) = {int(n) for n in re.findall(r"interval '(\d+) seconds'", view)}
    with pytest.raises(SettingsError, match="HEARTBEAT_SECONDS"):
        load(Settings, heartbeat_seconds=lost_after / 2 + 1, stalled_after_seconds=3600)
    assert Settings(heartbeat_seconds=lost_after / 2).heartbeat_seconds == lost_after / 2


KEY = "x" * 43 + "="  # of 32 bytes


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", "S3cret"),
        ("SECRET_KEY", f"{KEY},S3cret"),
        ("SMTP_URL", "S3cret"),
        ("SMTP_URL", "https://me:S3cret@host"),
        ("SMTP_URL", "smtps://me:S3cret@host:port"),
    ],
)
def test_a_malformed_secret_is_named_and_never_shown(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=f"{name} is no ") as caught:
        load_settings()
    assert "S3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "name",
    ["SQS_QUEUE_URL", "SQS_HIGH_PRIORITY_QUEUE_URL", "SQS_LOW_PRIORITY_QUEUE_URL", "DLQ_URL",
     "SQS_ENDPOINT_URL"],
)  # fmt: skip
@pytest.mark.parametrize("value", ["notaurl", "arn:aws:sqs:eu-west-1:123456789012:q", "https://"])
def test_what_is_no_url_is_not_taken_for_one(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=f"{name}='{value}': is no URL"):
        load_settings()


@pytest.mark.parametrize(
    "value", ["foo", "10.0.0.0/33", "10.0.0.1/8", "127.0.0.1 10.0.0.1", "127.0.0.1,*"]
)
def test_a_trusted_proxy_is_an_address_a_network_or_any(value: str) -> None:
    with pytest.raises(SettingsError, match="API_TRUSTED_PROXIES"):
        load(ApiSettings, api_trusted_proxies=value)


def test_well_formed_ones_are_taken() -> None:
    Settings(
        secret_key=f"{KEY}, {Fernet.generate_key().decode()}",
        smtp_url="smtp://me:p%40w@host:2525",
        sqs_endpoint_url="http://127.0.0.1:5000",
        sqs_queue_url="http://127.0.0.1:5000/123456789012/q",
    )
    for proxies in ("*", "127.0.0.1", "10.0.0.0/8, ::1"):
        ApiSettings(api_trusted_proxies=proxies)
