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
    sized AS (
        SELECT json_build_array(product, severity)::text AS entry,
               sum(octet_length(json_build_array(product, severity)::text) + 1) OVER (
                   ORDER BY array_position(
                       ARRAY['critical', 'high', 'warning', 'success', 'info'], severity
                   ), product
                   ROWS UNBOUNDED PRECEDING
               ) AS bytes_so_far
        FROM changes
    )
    SELECT format(
        '{"v":1,"changed":[%s],"more":%s}',
        COALESCE(string_agg(entry, ',' ORDER BY bytes_so_far) FILTER (WHERE bytes_so_far <= 7900), ''),
        COALESCE(bool_or(bytes_so_far > 7900), false)
    )
    FROM sized;
END;
