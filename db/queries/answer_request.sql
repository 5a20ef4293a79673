-- Keeps the answer for who asks again, in the transaction of the act.
UPDATE api_requests AS r
SET answer = %(answer)s::jsonb
WHERE r.who = %(who)s::text AND r.key = %(key)s::text
