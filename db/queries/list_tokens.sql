-- The tokens ever made, without the sessions made from them.
SELECT t.id, t.name, t.role, t.created_at, t.expires_at, t.revoked_at,
       GREATEST(t.last_used_at, (SELECT max(s.last_used_at) FROM api_tokens AS s WHERE s.issued_from = t.id))
           AS last_used_at
FROM api_tokens AS t
WHERE t.issued_from IS NULL
ORDER BY t.revoked_at IS NOT NULL, t.name, t.id
