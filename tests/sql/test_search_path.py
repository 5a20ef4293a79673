"""Whatever search_path the server or the address has in mind, our names mean our tables."""

from __future__ import annotations

from psycopg import sql
from psycopg.conninfo import make_conninfo

from db import operators
from db.connect import connect
from db.migrate import migrate
from tests.interleave import column, deliver, letter, work

TABLES_ELSEWHERE = """
SELECT n.nspname || '.' || c.relname
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p')
  AND n.nspname !~ '^(public|pg_.*|information_schema)$'
"""


def test_operators_who_want_ops_without_its_prefix_stop_nobody(database_url, conn):
    """Two of the views are called as their tables are."""
    database = sql.Identifier(conn.info.dbname)
    conn.execute(sql.SQL("ALTER DATABASE {} SET search_path = ops, public").format(database))
    with connect(database_url, autocommit=True) as theirs:
        assert deliver(theirs, letter()).stored == 1
        assert work(theirs).processed == 1


def test_an_empty_database_with_a_schema_named_as_the_login_is_migrated(empty_database_url):
    with connect(empty_database_url, autocommit=True) as conn:
        conn.execute("CREATE SCHEMA AUTHORIZATION CURRENT_USER")
        assert migrate(empty_database_url).new_epoch
        assert column(conn, TABLES_ELSEWHERE) == []


def test_no_address_makes_a_second_set_of_tables_and_turns_the_views_to_it(database_url, conn):
    deliver(conn, letter())
    conn.execute("CREATE SCHEMA elsewhere")
    report = migrate(make_conninfo(database_url, options="-c search_path=elsewhere"))
    assert report.before == report.after
    assert column(conn, TABLES_ELSEWHERE) == []
    assert len(operators.read_view(conn, "worker_notifications")) == 1
