"""Who may use the dashboard backend, and which of their requests have been answered.

Revision: 0010
Revises: 0009
"""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TOKENS = """
CREATE TABLE api_tokens (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name         text NOT NULL CHECK (name ~ '^[A-Za-z0-9][A-Za-z0-9 @_.-]{0,62}$'),
    role         text NOT NULL CHECK (role IN ('viewer', 'operator')),
    secret_hash  bytea NOT NULL UNIQUE CHECK (octet_length(secret_hash) = 32),
    issued_from  bigint REFERENCES api_tokens (id) ON DELETE CASCADE,
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz,
    revoked_at   timestamptz,
    last_used_at timestamptz,
    CONSTRAINT a_session_ends CHECK (issued_from IS NULL OR expires_at IS NOT NULL)
);
COMMENT ON TABLE api_tokens IS
    'Tokens of people and programs, and the page''s sessions made from them. Only hashes are kept:
the secrets have 256 random bits, so a plain SHA-256 cannot be guessed back.';
COMMENT ON COLUMN api_tokens.name IS 'Who acts: what alert_events.who shows';
COMMENT ON COLUMN api_tokens.issued_from IS
    'The token a session was made from; it ends with it. NULL: a token';
CREATE UNIQUE INDEX one_living_token_a_name ON api_tokens (name)
    WHERE issued_from IS NULL AND revoked_at IS NULL;
CREATE INDEX api_tokens_sessions ON api_tokens (expires_at) WHERE issued_from IS NOT NULL;
"""

REQUESTS = """
CREATE TABLE api_requests (
    who          text NOT NULL,
    key          text NOT NULL CHECK (length(key) BETWEEN 1 AND 200),
    request_hash bytea NOT NULL CHECK (octet_length(request_hash) = 32),
    answer       jsonb,
    asked_at     timestamptz NOT NULL,
    PRIMARY KEY (who, key)
);
COMMENT ON TABLE api_requests IS
    'Requests with an idempotency key and their answers, for a day: a request that is sent again
gets the same answer and does nothing. The row is written in the transaction of the act itself.';
CREATE INDEX api_requests_by_time ON api_requests (asked_at);
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    connection = op.get_bind()
    for part in (TOKENS, REQUESTS):
        connection.exec_driver_sql(part)


def downgrade() -> None:
    raise NotImplementedError("Migrations go forward only: restore a backup or write the next one.")
