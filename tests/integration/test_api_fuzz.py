"""Whatever is sent, the answer is no 5xx and as documented: schemathesis on the API's own document."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.app import build_app
from api.settings import ApiSettings
from db.connect import connect
from db.tokens import create_token
from tests.dashboard import serving, streaming, write_alert, write_state

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def fuzzed(module_database_url):
    """A server with something in it, and an operator's token."""
    with connect(module_database_url, autocommit=True) as conn:
        write_state(conn, severity="critical")
        write_alert(conn)
        token = create_token(conn, name="fuzz", role="operator", now=datetime.now(UTC))
    with serving(
        module_database_url, api_requests_per_minute=10**6, api_max_streams_per_token=1000
    ) as server:
        yield server, token


def operations():
    """Every operation of the document but the stream, which does not end: its test is below."""
    document = build_app(ApiSettings(database_url="postgresql://nobody@127.0.0.1:1/none")).openapi()
    schema = schemathesis.openapi.from_dict(document)
    found = [result.ok() for result in schema.get_all_operations()]
    return [one for one in found if not one.path.endswith("/stream")]


@pytest.mark.parametrize("operation", operations(), ids=lambda one: one.label)
def test_no_request_is_answered_with_a_server_error(operation, fuzzed):
    server, token = fuzzed

    @settings(max_examples=20, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(operation.as_strategy())
    def ask(case):
        answer = case.call(base_url=server.url, headers={"Authorization": f"Bearer {token}"})
        case.validate_response(answer, checks=CHECKS)

    ask()


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=60),
    st.text(max_size=20),
)
def test_a_stream_is_answered_whatever_cursor_and_filter(fuzzed, cursor, asin):
    server, token = fuzzed
    header = cursor.strip().encode("utf-8").decode("latin-1")
    with streaming(server.url, token=token, last_id=header, asin=asin) as stream:
        assert stream.status == 200
        assert stream.next().name == "cursor"
