-- A new token or, with issued_from, a session made from one.
INSERT INTO api_tokens (name, role, secret_hash, issued_from, created_at, expires_at)
VALUES (
    %(name)s::text, %(role)s::text, %(secret_hash)s::bytea, %(issued_from)s::bigint,
    %(now)s::timestamptz, %(expires_at)s::timestamptz
)
RETURNING id
