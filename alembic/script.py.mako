"""${message}

Revision: ${up_revision}
Revises: ${down_revision | comma,n}
"""

from __future__ import annotations

from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


# The version before works on this schema too, during the deploy and after a rollback: add first, and
# take away what no version needs that may still run (docs/decisions/0024).


def upgrade() -> None:
    # A migration that cannot get its lock must fail fast: it would queue every reader behind it.
    op.execute("SET LOCAL lock_timeout = '5s'")
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    raise NotImplementedError("Migrations go forward only: restore a backup or write the next one.")
