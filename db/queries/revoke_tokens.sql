-- Ends a token by its name, or a session by its id. Sessions made from a token end with it.
UPDATE api_tokens AS t
SET revoked_at = %(now)s::timestamptz
WHERE t.revoked_at IS NULL
  AND (t.issued_from IS NULL AND t.name = %(name)s::text OR t.id = %(session_id)s::bigint)
