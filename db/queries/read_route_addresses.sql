-- Every route's encrypted address, locked, to be encrypted with the newest key.
SELECT r.id, r.name, r.url_encrypted FROM alert_routes AS r ORDER BY r.id FOR NO KEY UPDATE
