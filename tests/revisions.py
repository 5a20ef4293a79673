"""The revisions as alembic finds them, to hold what reads them otherwise against."""

from __future__ import annotations

from alembic.script import ScriptDirectory

from db.revisions import ALEMBIC_HOME


def revisions() -> tuple[str, ...]:
    """Every revision in order, the newest last."""
    script = ScriptDirectory(str(ALEMBIC_HOME))
    return tuple(reversed([one.revision for one in script.walk_revisions()]))
