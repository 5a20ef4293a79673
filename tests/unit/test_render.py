"""render.yaml against Render's blueprint reference (the rules are written out below)."""

from __future__ import annotations

import importlib
import re
import shlex
from pathlib import Path

import pytest
import yaml

from api.routes import health
from api.settings import ApiSettings
from worker.settings import Settings

ROOT = Path(__file__).parents[2]
BLUEPRINT = yaml.safe_load((ROOT / "render.yaml").read_text("utf-8"))

ROOT_KEYS = {"services", "databases", "envVarGroups", "projects", "ungrouped", "previews"}
EVERY_SERVICE = {
    "type", "name", "runtime", "plan", "region", "repo", "branch", "rootDir", "buildFilter",
    "buildCommand", "startCommand", "preDeployCommand", "autoDeployTrigger", "envVars", "previews",
}  # fmt: skip
SCALED = {"numInstances", "scaling", "maxShutdownDelaySeconds", "disk"}
SERVICE_KEYS = {  # service type: what the reference allows for it
    "web": EVERY_SERVICE | SCALED | {"healthCheckPath", "domains"},
    "pserv": EVERY_SERVICE | SCALED,
    "worker": EVERY_SERVICE | SCALED,
    "cron": EVERY_SERVICE | {"schedule"},
}
REQUIRED = {"type", "name", "runtime", "buildCommand", "startCommand"}
DATABASE_KEYS = {
    "name", "plan", "previewPlan", "diskSizeGB", "previewDiskSizeGB", "region", "ipAllowList",
    "postgresMajorVersion", "databaseName", "user", "readReplicas", "highAvailability",
}  # fmt: skip
SERVICE_PLANS = {"starter", "standard", "pro", "pro plus", "pro max", "pro ultra"}
DATABASE_PLAN = re.compile(r"free|basic-(256mb|1gb|4gb)|(pro|accelerated)-\d+gb")
REGIONS = {"oregon", "ohio", "virginia", "frankfurt", "singapore"}
DATABASE_PROPERTIES = {"connectionString", "host", "port", "user", "password", "database"}
VARIABLE_SHAPES = (
    {"key", "value"}, {"key", "sync"}, {"key", "generateValue"}, {"key", "fromDatabase"},
    {"key", "fromService"}, {"fromGroup"},
)  # fmt: skip

PLATFORM = {"PYTHON_VERSION"}
AWS = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
SECRET = (
    AWS
    | {"SQS_QUEUE_URL", "DLQ_URL", "SQS_HIGH_PRIORITY_QUEUE_URL"}
    | {"SQS_LOW_PRIORITY_QUEUE_URL", "SMTP_URL", "MAIL_FROM"}
)
CLASSES = {"worker": Settings, "web": ApiSettings}
SETTINGS = {name.upper() for one in CLASSES.values() for name in one.model_fields}

SERVICES = BLUEPRINT["services"]
GROUPS = {group["name"]: group["envVars"] for group in BLUEPRINT["envVarGroups"]}
DATABASES = {one["name"]: one for one in BLUEPRINT["databases"]}
each_service = pytest.mark.parametrize("service", SERVICES, ids=lambda s: s["name"])


def variables(service: dict) -> dict[str, dict]:
    """The service's variables by key, those of its groups included."""
    own = [v for v in service["envVars"] if "key" in v]
    shared = [
        v for one in service["envVars"] if "fromGroup" in one for v in GROUPS[one["fromGroup"]]
    ]
    return {v["key"]: v for v in (*shared, *own)}


def commands(service: dict) -> list[list[str]]:
    """Every single command of the service."""
    return [
        shlex.split(part)
        for key in ("buildCommand", "preDeployCommand", "startCommand")
        for part in service.get(key, "").split("&&")
        if part.strip()
    ]


def test_the_blueprint_has_only_known_parts():
    assert set(BLUEPRINT) <= ROOT_KEYS


def test_ingester_worker_and_dashboard_backend_are_services_of_their_own():
    assert [s["name"] for s in SERVICES] == ["buybox-ingest", "buybox-worker", "buybox-api"]


@each_service
def test_a_service_has_what_its_type_requires_and_allows(service):
    assert set(service) >= REQUIRED
    assert set(service) - SERVICE_KEYS[service["type"]] == set()


@each_service
def test_what_is_asked_over_http_says_where_its_health_is(service):
    assert ("healthCheckPath" in service) is (service["type"] == "web")
    if service["type"] == "web":
        routes = {route.path for route in health.router.routes}
        assert service["healthCheckPath"] == "/api/health/live"
        assert service["healthCheckPath"] in routes


@each_service
def test_a_service_runs_on_the_python_runtime_on_a_plan_that_exists(service):
    assert service["runtime"] == "python"
    assert service["plan"] in SERVICE_PLANS
    assert 1 <= service["maxShutdownDelaySeconds"] <= 300


def test_everything_is_in_one_region():
    regions = {one["region"] for one in (*SERVICES, *DATABASES.values())}
    assert len(regions) == 1
    assert regions <= REGIONS


@pytest.mark.parametrize("database", DATABASES.values(), ids=DATABASES)
def test_a_database_is_as_the_reference_allows(database):
    assert set(database) - DATABASE_KEYS == set()
    assert DATABASE_PLAN.fullmatch(database["plan"])
    assert isinstance(database["postgresMajorVersion"], str)
    assert int(database["postgresMajorVersion"]) >= 15


@each_service
def test_each_variable_has_one_source(service):
    assert [v for v in service["envVars"] if set(v) not in VARIABLE_SHAPES] == []
    keys = [v["key"] for v in service["envVars"] if "key" in v]
    assert len(keys) == len(set(keys))


@each_service
def test_secrets_are_typed_in_on_render_and_stand_nowhere(service):
    own = {v["key"]: v for v in service["envVars"] if "key" in v}
    for name in SECRET & set(variables(service)):
        assert own[name] == {"key": name, "sync": False}


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_holds_plain_values_only(group):
    """Render ignores sync: false in a group and takes no references there."""
    assert all(set(v) in ({"key", "value"}, {"key", "generateValue"}) for v in GROUPS[group])


@each_service
def test_the_connection_string_comes_from_the_database(service):
    source = variables(service)["DATABASE_URL"]["fromDatabase"]
    assert source["name"] in DATABASES
    assert source["property"] == "connectionString"
    assert source["property"] in DATABASE_PROPERTIES


@each_service
def test_every_variable_is_a_setting_or_the_platforms_or_awss(service):
    assert set(variables(service)) - SETTINGS - PLATFORM - AWS == set()


@each_service
def test_the_plain_values_are_settings_that_can_be_used(service):
    given = {
        name.lower(): str(v["value"])
        for name, v in variables(service).items()
        if "value" in v and name in SETTINGS
    }
    assert CLASSES[service["type"]](**given)


def test_the_dashboard_backend_listens_where_render_looks_for_it():
    given = {k: v.get("value") for k, v in variables(SERVICES[2]).items()}
    assert (given["API_HOST"], given["API_PORT"]) == ("0.0.0.0", 10000)


@each_service
def test_the_python_version_is_whole_and_one_we_support(service):
    version = str(variables(service)["PYTHON_VERSION"]["value"])
    assert re.fullmatch(r"3\.\d+\.\d+", version)
    assert int(version.split(".")[1]) >= 11


def test_the_key_of_the_addresses_is_made_once_and_shared():
    made = [v for group in GROUPS.values() for v in group if v["key"] == "SECRET_KEY"]
    assert made == [{"key": "SECRET_KEY", "generateValue": True}]
    assert all({"fromGroup": "buybox-settings"} in service["envVars"] for service in SERVICES)


def test_a_worker_may_finish_what_it_is_sending_before_it_is_killed():
    """Jobs have 20 s after SIGTERM, then what is on its way has its time."""
    worker = {service["name"]: service for service in SERVICES}["buybox-worker"]
    sends_for = Settings.model_fields["delivery_timeout_seconds"].default
    assert worker["maxShutdownDelaySeconds"] > 20 + sends_for + 5


def test_the_ingester_has_aws_keys_and_a_queue():
    assert {*AWS, "SQS_QUEUE_URL", "DLQ_URL"} <= set(variables(SERVICES[0]))


@each_service
def test_the_commands_name_modules_that_import(service):
    for command in commands(service):
        if command[:2] == ["python", "-m"] and command[2] != "pip":
            name = command[2]
            module = importlib.import_module(
                f"{name}.__main__" if name in {"worker.ingest", "api"} else name
            )
            assert callable(module.main)
        for option in command:
            if option.startswith("--app="):
                module, _, attribute = option.removeprefix("--app=").rpartition(".")
                assert attribute == "app"
                assert importlib.import_module(module)


@each_service
def test_all_migrate_before_they_start(service):
    assert service["preDeployCommand"] == "python -m db.migrate"


def test_the_start_commands_are_the_documented_ones():
    assert [s["startCommand"] for s in SERVICES] == [
        "python -m worker.ingest",
        "procrastinate --app=worker.app.app worker",
        "python -m api",
    ]


@each_service
def test_the_build_installs_what_was_locked_and_then_the_checkout(service):
    locked, checkout = [c for c in commands(service) if "pip" in c]
    assert "--require-hashes" in locked
    files = [word for word in locked if word.endswith(".lock")]
    assert files == ["requirements.lock", "requirements-build.lock"]
    assert all((ROOT / file).is_file() for file in files)
    assert {"--no-deps", "--no-build-isolation", "-e", "."} <= set(checkout)


def test_the_build_backend_is_locked_to_the_version_the_developers_have():
    """--no-build-isolation builds with the setuptools that is there; requirements.lock has none."""
    build = (ROOT / "requirements-build.lock").read_text("utf-8")
    assert build.startswith("setuptools==")
    assert build in (ROOT / "requirements-dev.lock").read_text("utf-8"), (
        "copy the block of setuptools from requirements-dev.lock"
    )
