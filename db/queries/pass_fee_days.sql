-- The midnights up to now are being dealt with; returns until when they were before.
WITH before AS (SELECT days_until FROM fee_book FOR UPDATE)
UPDATE fee_book SET days_until = %(now)s::timestamptz
FROM before
RETURNING before.days_until
