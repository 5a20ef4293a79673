"""Where a database stands beside the code."""

from __future__ import annotations

import pytest

from db.connect import connect
from db.revisions import Standing, newest_revision, read_standing
from tests.revisions import revisions


def test_the_newest_revision_is_known_without_loading_any():
    assert newest_revision() == revisions()[-1]


def test_an_empty_database_is_behind_and_a_migrated_one_is_not(empty_database_url, database_url):
    for url, behind in ((empty_database_url, True), (database_url, False)):
        with connect(url) as conn:
            standing = read_standing(conn)
        assert (standing.is_behind, standing.is_ahead) == (behind, False)


@pytest.mark.parametrize(
    ("here", "came_from", "ahead", "within"),
    [
        ("0004", "0003", False, False),
        ("0005", "0004", False, False),
        ("0006", "0005", True, True),
        ("0007", "0004", True, True),
        ("0007", "0006", True, False),
        ("0007", None, True, False),
    ],
)
def test_what_works_is_what_worked_while_the_last_migration_was_deployed(
    here, came_from, ahead, within
):
    standing = Standing("0005", here, came_from)
    assert (standing.is_behind, standing.is_ahead) == (here < "0005", ahead)
    assert standing.is_within_one_deploy == within
