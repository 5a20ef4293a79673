-- Stores a route's address, encrypted with another key.
UPDATE alert_routes AS r SET url_encrypted = %(url_encrypted)s::bytea WHERE r.id = %(id)s::bigint
