"""Which rights there are: what each role needs for its work, and not one more."""

from __future__ import annotations

from collections import defaultdict

from db.migrate import migrate
from db.operators import VIEWS
from tests.interleave import column

WORKER = {
    "SELECT": """
        alembic_version schema_components feed_epoch notification_bodies_default
        competitive_history_default
    """,
    # What was received, what became of it and who did what: added to, and never told otherwise.
    "SELECT INSERT": "notification_bodies competitive_history alert_events alert_delivery_items",
    "SELECT UPDATE": "fee_book alert_settings",
    "SELECT INSERT UPDATE": """
        worker_notifications worker_failures current_state worker_counters products fee_rules
        seller_terms alerts alert_queues alert_deliveries
    """,
    "SELECT INSERT UPDATE DELETE": """
        worker_heartbeats reassessments alert_tallies alert_routes api_tokens api_requests
        procrastinate_jobs procrastinate_events procrastinate_workers procrastinate_periodic_defers
    """,
}
DOORS = {
    f"buybox_{act}_alert"
    for act in ("acknowledge", "unacknowledge", "assign", "note", "snooze", "resolve", "reopen")
}
AS_THEIR_OWNER = DOORS | {"buybox_ensure_partitions"}
FOR_WORKERS = AS_THEIR_OWNER | {"buybox_ring_alert_bell", "buybox_withhold_messages"}

GIVEN = """
SELECT CASE grantee WHEN 0 THEN 'everybody' ELSE grantee::regrole::text END, name, privilege_type
FROM (
    SELECT c.oid::regclass::text AS name, c.relowner AS owner, a.*
    FROM pg_class AS c
    CROSS JOIN LATERAL aclexplode(c.relacl) AS a
    WHERE c.relnamespace IN ('public'::regnamespace, 'ops'::regnamespace)
    UNION ALL
    SELECT t.attrelid::regclass::text || '.' || t.attname, c.relowner, a.*
    FROM pg_attribute AS t
    JOIN pg_class AS c ON c.oid = t.attrelid
    CROSS JOIN LATERAL aclexplode(t.attacl) AS a
    WHERE c.relnamespace IN ('public'::regnamespace, 'ops'::regnamespace)
    UNION ALL
    SELECT 'schema ' || n.nspname, n.nspowner, a.*
    FROM pg_namespace AS n
    CROSS JOIN LATERAL aclexplode(n.nspacl) AS a
    WHERE n.nspname IN ('public', 'ops')
) AS given
WHERE grantee <> owner
"""


def test_each_role_has_the_rights_of_its_work_and_no_more(scratch):
    """A partition has none of its own: whoever writes to its parent needs none."""
    expected = {("everybody", "schema public"): {"USAGE"}}
    for role in ("ops_reader", "buybox_worker"):
        expected[role, "schema ops"] = {"USAGE"}
        expected |= {(role, f"ops.{view}"): {"SELECT"} for view in VIEWS}
    expected["buybox_worker", "schema public"] = {"USAGE"}
    for rights, tables in WORKER.items():
        expected |= {("buybox_worker", table): set(rights.split()) for table in tables.split()}
    for sequence in column(
        scratch,
        "SELECT seqrelid::regclass::text FROM pg_sequence JOIN pg_class ON oid = seqrelid"
        " WHERE relnamespace = 'public'::regnamespace",
    ):
        expected["buybox_worker", sequence] = {"USAGE"}

    found = defaultdict(set)
    for role, name, right in scratch.execute(GIVEN).fetchall():
        found[role, name].add(right)
    assert found == expected


def test_what_earlier_versions_gave_is_taken_back(database_url, conn):
    before = conn.execute(GIVEN).fetchall()
    conn.execute(
        "GRANT UPDATE ON notification_bodies, competitive_history, alert_events,"
        " alert_delivery_items TO buybox_worker; GRANT INSERT ON alert_settings TO buybox_worker"
    )
    migrate(database_url)
    assert sorted(conn.execute(GIVEN).fetchall()) == sorted(before)


def test_what_runs_with_its_owner_s_rights_is_for_those_who_work_alone(scratch):
    """Its names mean our tables, whatever the caller's search_path and temporary tables."""
    found = scratch.execute(
        """
        SELECT p.proname, 'search_path=public, pg_temp' = ANY (p.proconfig),
               array_agg(a.grantee::regrole::text) FILTER (WHERE a.grantee <> p.proowner)
        FROM pg_proc AS p
        CROSS JOIN LATERAL aclexplode(COALESCE(p.proacl, acldefault('f', p.proowner))) AS a
        WHERE p.pronamespace = 'public'::regnamespace AND p.prosecdef
        GROUP BY p.oid
        """
    ).fetchall()
    assert sorted(found) == [(name, True, ["buybox_worker"]) for name in sorted(AS_THEIR_OWNER)]


def test_the_other_functions_of_acts_and_bells_are_nobody_s_or_the_workers(scratch):
    found = scratch.execute(
        """
        SELECT p.proname, 'search_path=public, pg_temp' = ANY (p.proconfig),
               a.grantee::regrole::text
        FROM pg_proc AS p
        CROSS JOIN LATERAL aclexplode(COALESCE(p.proacl, acldefault('f', p.proowner))) AS a
        WHERE p.pronamespace = 'public'::regnamespace AND a.grantee <> p.proowner
          AND p.proname ~ '^buybox_(judge|refuse|store_act|act_on|withhold|ring_alert|.*_alert$)'
        """
    ).fetchall()
    assert sorted(found) == [
        (name, True, "buybox_worker") for name in sorted(FOR_WORKERS - {"buybox_ensure_partitions"})
    ]
