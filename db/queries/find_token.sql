-- Whose secret this is, if it is good now; its use is noted at most once a minute.
WITH found AS (
    SELECT t.id, t.name, t.role, t.issued_from, t.expires_at, t.last_used_at
    FROM api_tokens AS t
    LEFT JOIN api_tokens AS p ON p.id = t.issued_from
    WHERE t.secret_hash = %(secret_hash)s::bytea
      AND t.revoked_at IS NULL
      AND p.revoked_at IS NULL
      AND COALESCE(LEAST(t.expires_at, p.expires_at) > %(now)s::timestamptz, true)
),
noted AS (
    UPDATE api_tokens AS t
    SET last_used_at = %(now)s::timestamptz
    FROM found AS f
    WHERE t.id = f.id
      AND (f.last_used_at IS NULL OR f.last_used_at < %(now)s::timestamptz - interval '1 minute')
)
SELECT f.id, f.name, f.role, f.issued_from, f.expires_at FROM found AS f
