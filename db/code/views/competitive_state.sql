CREATE VIEW ops.competitive_state AS
SELECT s.marketplace_id || ':' || s.asin AS product_key,
       now() - s.event_time AS data_age,
       s.*
FROM current_state AS s;
COMMENT ON VIEW ops.competitive_state IS
    'Open it to see where a product stands now, why its severity is what it is, and how old that is.';
