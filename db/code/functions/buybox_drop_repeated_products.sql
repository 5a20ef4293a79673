-- Takes out of the waiting room the lines whose product an earlier line has named, and says which line
-- that was.
CREATE OR REPLACE FUNCTION buybox_drop_repeated_products()
    RETURNS TABLE (line bigint, first_line bigint)
    LANGUAGE plpgsql
AS $$
BEGIN
    RETURN QUERY
    WITH placed AS (
        SELECT s.ctid AS place, s.line AS own_line,
               min(s.line) OVER (
                   PARTITION BY s.marketplace_id, s.asin, s.item_condition, s.seller_id,
                                s.fulfilment_channel, s.sku
               ) AS earliest
        FROM pg_temp.staged_products AS s
    ),
    dropped AS (
        DELETE FROM pg_temp.staged_products AS s
        USING placed AS p
        WHERE s.ctid = p.place AND p.own_line > p.earliest
        RETURNING p.own_line, p.earliest
    )
    SELECT d.own_line, d.earliest
    FROM dropped AS d
    ORDER BY d.own_line;
END;
$$;
