-- What was asked and answered under a key.
SELECT r.request_hash, r.answer
FROM api_requests AS r
WHERE r.who = %(who)s::text AND r.key = %(key)s::text
