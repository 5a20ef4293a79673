-- Keeps the answer for the same request sent again, in the transaction of the act.
UPDATE api_requests AS r
SET answer = %(answer)s::jsonb
WHERE r.who = %(who)s::text AND r.key = %(key)s::text
