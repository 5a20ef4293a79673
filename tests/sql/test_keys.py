"""What there is once only, and what must be there before something hangs on it, whoever writes."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import sql

from tests.true_rows import AT, TRUE, put

ENDED = {"attention": "resolved", "resolution": "manual", "resolved_at": AT, "resolved_by": "ann"}
SENDING = {"status": "sending", "taken_at": AT, "taken_by": "w1", "attempts": 1, "route_id": 1}

ONCE = {
    "worker_notifications_pkey": (
        "worker_notifications", {"id": 1},
        {"message_id": "m2", "body_hash": b"\x02" * 32, "notification_id": "n2"},
    ),
    "notification_bodies_pkey": ("notification_bodies", {}, {"body": "[]"}),
    "worker_failures_pkey": ("worker_failures", {"id": 1}, {"body_hash": b"\x02" * 32}),
    "worker_failures_stage_body_hash_key": ("worker_failures", {}, {"error_type": "another"}),
    "current_state_pkey": ("current_state", {}, {"severity": "high", "version": 2}),
    "competitive_history_pkey": ("competitive_history", {}, {"outcome": "late", "asin": "A2"}),
    "worker_heartbeats_pkey": ("worker_heartbeats", {}, {"role": "worker", "state": "stopped"}),
    "worker_counters_pkey": ("worker_counters", {}, {"value": 5}),
    "reassessments_pkey": ("reassessments", {"id": 1}, {"marketplace_id": "M2"}),
    "alerts_pkey": ("alerts", {}, {"asin": "B0CXYZ1235"}),
    "one_open_alert_a_subject": ("alerts", {}, {"id": 2, "severity": "critical"}),
    "alert_events_pkey": ("alert_events", {}, {"change": "cleared"}),
    "alert_tallies_pkey": ("alert_tallies", {"id": 1}, {"what": "another"}),
    "alert_queues_pkey": ("alert_queues", {}, {"queue": "background"}),
    "alert_routes_pkey": ("alert_routes", {}, {"name": "another"}),
    "alert_routes_name_key": ("alert_routes", {}, {"id": 2}),
    "alert_deliveries_pkey": ("alert_deliveries", {}, {"heading": "another"}),
    "one_delivery_a_route_at_a_time": ("alert_deliveries", SENDING, {"id": 2}),
    "alert_delivery_items_pkey": ("alert_delivery_items", {}, {}),
    "api_tokens_pkey": ("api_tokens", {}, {"name": "otto", "secret_hash": b"\x02" * 32}),
    "api_tokens_secret_hash_key": ("api_tokens", {}, {"id": 2, "name": "otto"}),
    "one_living_token_a_name": ("api_tokens", {}, {"id": 2, "secret_hash": b"\x02" * 32}),
    "api_requests_pkey": ("api_requests", {}, {"request_hash": b"\x02" * 32}),
    "schema_components_pkey": ("schema_components", {}, {"version": "2"}),
}  # fmt: skip
"""By the key that is met a second time: the first row, and what makes the second another one."""

ELSEWHERE = {
    # in test_constraints.py
    "worker_notifications_message_id_key", "worker_notifications_body_hash_key",
    "worker_notifications_notification_id_key", "feed_epoch_pkey",
    # in test_catalogue.py
    "products_pkey", "fee_rules_rule_id_key", "seller_terms_pkey",
    # there is one row, and a check that it is that one
    "alert_settings_pkey", "fee_book_pkey",
}  # fmt: skip


@pytest.fixture
def route(scratch):
    """What a delivery is on its way to."""
    put(scratch, "alert_routes")


@pytest.mark.parametrize("key", ONCE)
def test_what_there_is_once_is_refused_a_second_time(scratch, key, request):
    table, first, changes = ONCE[key]
    if "route_id" in first:
        request.getfixturevalue("route")
    put(scratch, table, **first)
    with pytest.raises(psycopg.errors.UniqueViolation) as refused:
        put(scratch, table, **first | changes)
    # A partition's own index has another name.
    assert refused.value.diag.constraint_name.startswith(key.removesuffix("_pkey"))
    assert refused.value.diag.constraint_name.endswith("_pkey") == key.endswith("_pkey")


def test_every_key_is_tried(scratch):
    found = scratch.execute(
        """
        SELECT i.indexrelid::regclass::text
        FROM pg_index AS i
        JOIN pg_class AS c ON c.oid = i.indrelid
        WHERE i.indisunique AND c.relnamespace = 'public'::regnamespace
          AND NOT c.relispartition AND c.relname !~ '^(procrastinate_|alembic_)'
        """
    )
    assert {name for (name,) in found} == set(ONCE) | ELSEWHERE


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        ("alerts", [ENDED, {"id": 2} | ENDED, {"id": 3}]),
        ("alerts", [{}, {"id": 2, "kind": "pricing-health"}, {"id": 3, "item_condition": "used"}]),
        ("alerts", [{}, {"id": 2, "seller_id": "S2"}, {"id": 3, "marketplace_id": "M2"}]),
        ("alert_deliveries", [SENDING, SENDING | {"id": 2, "status": "queued"}]),
        ("alert_deliveries", [SENDING | {"route_id": None}, SENDING | {"id": 2, "route_id": None}]),
        ("api_tokens", [{"revoked_at": AT}, {"id": 2, "secret_hash": b"\x02" * 32}]),
        ("api_tokens", [{}, {"id": 2, "secret_hash": b"\x02" * 32, "issued_from": 1,
                             "expires_at": AT}]),
        ("api_requests", [{}, {"who": "otto"}, {"key": "k2"}]),
        ("worker_failures", [{}, {"stage": "analysis", "notification_row_id": 1}]),
        ("current_state", [{}, {"audience": "business"}, {"item_condition": "used"},
                           {"seller_id": "S2"}, {"marketplace_id": "M2"}, {"asin": "A2"}]),
        ("alert_tallies", [{}, {}]),
    ],
)  # fmt: skip
def test_what_only_looks_the_same_stands_side_by_side(scratch, route, table, rows):
    for row in rows:
        put(scratch, table, **row)


# what hangs on something --------------------------------------------------------------------------

HANGING = {
    "alerts_supersedes_fkey": ("alerts", {"id": 9, "supersedes": 8}),
    "alerts_superseded_by_fkey": ("alerts", ENDED | {"superseded_by": 2}),
    "alert_events_alert_id_fkey": ("alert_events", {"alert_id": 99}),
    "alert_queues_alert_id_fkey": ("alert_queues", {"alert_id": 99}),
    "alert_queues_event_id_fkey": ("alert_queues", {"event_id": 99}),
    "alert_deliveries_route_id_fkey": ("alert_deliveries", {"route_id": 99}),
    "alert_delivery_items_delivery_id_fkey": ("alert_delivery_items", {"delivery_id": 99}),
    "alert_delivery_items_queue_id_fkey": ("alert_delivery_items", {"queue_id": 99}),
    "api_tokens_issued_from_fkey": ("api_tokens", {"issued_from": 99, "expires_at": AT}),
}


@pytest.mark.parametrize("key", HANGING)
def test_nothing_hangs_on_what_is_not_there(scratch, key):
    table, changes = HANGING[key]
    scratch.execute("SET CONSTRAINTS ALL IMMEDIATE")
    with pytest.raises(psycopg.errors.ForeignKeyViolation) as refused:
        put(scratch, table, **changes)
    assert refused.value.diag.constraint_name == key


def test_every_foreign_key_is_tried(scratch):
    found = scratch.execute(
        "SELECT conname FROM pg_constraint WHERE contype = 'f' AND"
        " conrelid::regclass::text !~ '^procrastinate_'"
    )
    assert {name for (name,) in found} == set(HANGING)


OLD, NEW = ENDED | {"superseded_by": 2}, {"id": 2, "supersedes": 1}


@pytest.mark.parametrize("alerts", [(OLD, NEW), (NEW, OLD)])
def test_an_alert_and_the_one_that_takes_its_place_are_written_in_either_order(scratch, alerts):
    for alert in alerts:
        put(scratch, "alerts", **alert)
    scratch.execute("SET CONSTRAINTS ALL IMMEDIATE")


@pytest.mark.parametrize(
    ("rows", "statement"),
    [
        ([("alert_events", {})], "DELETE FROM alerts"),
        ([("alert_queues", {})], "DELETE FROM alerts"),
        ([("alerts", ENDED), ("alerts", NEW)], "DELETE FROM alerts WHERE id = 1"),
        ([("alerts", OLD), ("alerts", {"id": 2})], "DELETE FROM alerts WHERE id = 2"),
        ([("alert_events", {}), ("alert_queues", {"event_id": 1})], "DELETE FROM alert_events"),
        ([("alert_delivery_items", {})], "DELETE FROM alert_queues"),
    ],
)
def test_what_something_hangs_on_stays(scratch, rows, statement):
    for table, changes in rows:
        put(scratch, table, **changes)
    scratch.execute("SET CONSTRAINTS ALL IMMEDIATE")
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        scratch.execute(statement)


def test_a_removed_route_leaves_its_deliveries_and_takes_their_route(scratch, route):
    put(scratch, "alert_deliveries", route_id=1)
    scratch.execute("DELETE FROM alert_routes")
    kept = scratch.execute("SELECT route_id, route_name FROM alert_deliveries").fetchall()
    assert kept == [(None, "phone")]


def test_a_delivery_takes_its_list_of_messages_along(scratch):
    put(scratch, "alert_delivery_items")
    scratch.execute("DELETE FROM alert_deliveries")
    left = scratch.execute(
        "SELECT (SELECT count(*) FROM alert_delivery_items), count(*) FROM alert_queues"
    )
    assert left.fetchone() == (0, 1)


def test_a_token_takes_the_sessions_made_from_it_along(scratch):
    put(scratch, "api_tokens")
    put(scratch, "api_tokens", id=2, secret_hash=b"\x02" * 32, issued_from=1, expires_at=AT)
    scratch.execute("DELETE FROM api_tokens WHERE id = 1")
    assert scratch.execute("SELECT count(*) FROM api_tokens").fetchone() == (0,)


# what the database writes itself ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("worker_notifications", "product_key", "M1:A1"),
        ("alerts", "subject_key", "S1|M1|B0CXYZ1234|new|price"),
        ("alerts", "fingerprint", "B0CXYZ1234|M1|high"),
    ],
)
def test_keys_are_made_of_their_parts_and_nobody_writes_another(scratch, table, column, value):
    put(scratch, table)
    name = sql.Identifier(column)
    select = sql.SQL("SELECT {} FROM {}").format(name, sql.Identifier(table))
    assert scratch.execute(select).fetchall() == [(value,)]
    update = sql.SQL("UPDATE {} SET {} = 'another'").format(sql.Identifier(table), name)
    with pytest.raises(psycopg.errors.GeneratedAlways):
        scratch.execute(update)


NUMBERED = {
    "worker_notifications", "worker_failures", "reassessments", "alerts", "alert_events",
    "alert_tallies", "alert_queues", "alert_routes", "alert_deliveries", "api_tokens",
}  # fmt: skip


@pytest.mark.parametrize("table", sorted(NUMBERED))
def test_nobody_chooses_the_number_of_a_row_by_mistake(scratch, table):
    """It would be given out a second time: then a good message is refused."""
    row = TRUE[table] | {"id": 7}
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, row)),
        sql.SQL(", ").join(map(sql.Placeholder, row)),
    )
    with pytest.raises(psycopg.errors.GeneratedAlways):
        scratch.execute(statement, row)
