-- Which of these tokens and sessions are still good: open streams are checked against it.
SELECT t.id
FROM api_tokens AS t
LEFT JOIN api_tokens AS p ON p.id = t.issued_from
WHERE t.id = ANY (%(ids)s::bigint[])
  AND t.revoked_at IS NULL
  AND p.revoked_at IS NULL
  AND COALESCE(LEAST(t.expires_at, p.expires_at) > %(now)s::timestamptz, true)
