-- The payload of the bell on channel buybox_state: which products changed and how bad each now is.
-- It is a hint, cut to fit NOTIFY's 8,000 bytes and marked when cut: {"v":1,"changed":[...],"more":true}
-- tells the listener to read the feed instead of trusting the list. Worst severities come first.
CREATE OR REPLACE FUNCTION buybox_bell_payload(p_products text[], p_severities text[])
    RETURNS text
    LANGUAGE sql
    IMMUTABLE
    PARALLEL SAFE
BEGIN ATOMIC
    WITH changes AS (
        SELECT DISTINCT product, severity
        FROM unnest(p_products, p_severities) AS c (product, severity)
    ),
    entries AS (
        SELECT product, severity, format('[%s,%s]', to_json(product), to_json(severity)) AS entry
        FROM changes
    ),
    sized AS (
        SELECT entry,
               sum(octet_length(entry) + 1) OVER (
                   ORDER BY array_position(
                       ARRAY['critical', 'high', 'warning', 'success', 'info'], severity
                   ), product
                   ROWS UNBOUNDED PRECEDING
               ) AS bytes_so_far
        FROM entries
    )
    SELECT format(
        '{"v":1,"changed":[%s],"more":%s}',
        COALESCE(string_agg(entry, ',' ORDER BY bytes_so_far) FILTER (WHERE bytes_so_far <= 7900), ''),
        CASE WHEN bool_or(bytes_so_far > 7900) THEN 'true' ELSE 'false' END
    )
    FROM sized;
END;
