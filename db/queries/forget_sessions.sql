-- Removes sessions that ended long ago.
DELETE FROM api_tokens AS t
WHERE t.issued_from IS NOT NULL AND t.expires_at < %(before)s::timestamptz
