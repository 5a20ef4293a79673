"""alembic's entry. It only ever runs inside `db.migrate`, on the connection made there."""

from __future__ import annotations

from alembic import context

connection = context.config.attributes.get("connection")
if connection is None:
    raise SystemExit(
        "Run `python -m db.migrate` instead: it migrates under a lock and replays db/code."
    )

context.configure(
    connection=connection,
    target_metadata=None,
    transaction_per_migration=False,
    on_version_apply=context.config.attributes["on_version_apply"],
)
with context.begin_transaction():
    context.run_migrations()
