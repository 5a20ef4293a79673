-- The first of the requests with one key: its row. Who asks again at the same time waits here for its
-- commit, and gets none. Keys of before yesterday are forgotten on the way.
WITH forgotten AS (
    DELETE FROM api_requests AS r WHERE r.asked_at < %(now)s::timestamptz - interval '1 day'
)
INSERT INTO api_requests (who, key, request_hash, asked_at)
VALUES (%(who)s::text, %(key)s::text, %(request_hash)s::bytea, %(now)s::timestamptz)
ON CONFLICT (who, key) DO NOTHING
RETURNING key
