"""An older version beside a newer schema, as a rollback leaves them; and what it goes by."""

from __future__ import annotations

import pytest

from db.connect import connect
from db.migrate import MigrationError, main, migrate
from tests.interleave import column
from tests.revisions import revisions

LATER, LATER_STILL = "9998", "9999"
BEFORE_LAST, HEAD = revisions()[-2:]
VIEWS = "SELECT oid FROM pg_class WHERE relnamespace = 'ops'::regnamespace ORDER BY oid"


def put_ahead(conn, here, came_from=None):
    """As later versions leave it."""
    conn.execute("UPDATE alembic_version SET version_num = %s", (here,))
    if came_from:
        conn.execute(
            "INSERT INTO schema_components (component, version) VALUES ('migrated-from', %s)",
            (came_from,),
        )


@pytest.mark.parametrize("came_from", [HEAD, BEFORE_LAST])
def test_the_version_before_the_last_migration_is_let_back_and_touches_nothing(
    database_url, conn, came_from, capsys
):
    """Render runs the older version's migration when it rolls back, and stays if that fails."""
    put_ahead(conn, LATER, came_from)
    views = column(conn, VIEWS)
    assert main(["--database-url", database_url]) == 0
    assert f"database at {LATER}, newer than this version of buybox ({HEAD})" in (
        capsys.readouterr().out
    )
    assert column(conn, VIEWS) == views


@pytest.mark.parametrize(("came_from", "named"), [(LATER, LATER), (None, LATER_STILL)])
def test_an_earlier_one_is_told_which_to_go_back_to(database_url, conn, came_from, named):
    put_ahead(conn, LATER_STILL, came_from)
    with pytest.raises(MigrationError, match=r"Nothing was changed: .*9999") as refused:
        migrate(database_url)
    assert HEAD in str(refused.value)
    assert f"version that {'knows' if came_from else 'made'} {named}" in str(refused.value)


def test_a_newer_backup_is_finished_by_the_version_that_made_it(database_url, conn):
    """A restored database wants roles, rights and a new epoch, and only its own version has all."""
    put_ahead(conn, LATER, HEAD)
    conn.execute("UPDATE feed_epoch SET system_identifier = 1")
    epoch = column(conn, "SELECT epoch FROM feed_epoch")
    with pytest.raises(MigrationError, match=f"Nothing was changed: .*restored.*{LATER}"):
        migrate(database_url)
    assert column(conn, "SELECT epoch FROM feed_epoch") == epoch


def test_a_migration_leaves_word_where_the_database_was_before(empty_database_url):
    asks = "SELECT version FROM schema_components WHERE component = 'migrated-from'"
    migrate(empty_database_url, revision=BEFORE_LAST)
    with connect(empty_database_url, autocommit=True) as conn:
        put_ahead(conn, BEFORE_LAST, "0001")  # what an earlier migration wrote
        migrate(empty_database_url)
        assert column(conn, asks) == [BEFORE_LAST]
        migrate(empty_database_url)  # a deploy with nothing new: one may still go back
        assert column(conn, asks) == [BEFORE_LAST]


def test_a_revision_that_nobody_knows_is_told_as_a_failed_migration(database_url, conn):
    conn.execute("UPDATE alembic_version SET version_num = '0001x'")
    with pytest.raises(MigrationError, match=r"nothing was changed: .*locate revision .*0001x"):
        migrate(database_url)
