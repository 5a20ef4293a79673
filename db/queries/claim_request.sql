-- Claims an idempotency key: a row comes back for the first request with it only. The same request
-- sent again meanwhile waits here for the first one's commit, and gets no row. Keys older than a
-- day are forgotten on the way: this request's own by starting it anew, since the DELETE here would
-- come after the INSERT; the others without waiting for whoever holds them.
WITH forgotten AS (
    DELETE FROM api_requests AS r
    USING (
        SELECT f.who, f.key
        FROM api_requests AS f
        WHERE f.asked_at < %(now)s::timestamptz - interval '1 day'
          AND (f.who, f.key) <> (%(who)s::text, %(key)s::text)
        FOR UPDATE SKIP LOCKED
    ) AS old
    WHERE r.who = old.who AND r.key = old.key
)
INSERT INTO api_requests AS r (who, key, request_hash, asked_at)
VALUES (%(who)s::text, %(key)s::text, %(request_hash)s::bytea, %(now)s::timestamptz)
ON CONFLICT (who, key) DO UPDATE
SET request_hash = EXCLUDED.request_hash, answer = NULL, asked_at = EXCLUDED.asked_at
WHERE r.asked_at < %(now)s::timestamptz - interval '1 day'
RETURNING r.key
