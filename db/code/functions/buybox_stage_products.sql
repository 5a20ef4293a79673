-- An import's waiting room: an empty temporary table, gone at the end of the transaction. `line` is the
-- line of the file, or the place in the list.
CREATE OR REPLACE FUNCTION buybox_stage_products()
    RETURNS void
    LANGUAGE plpgsql
AS $$
BEGIN
    IF to_regclass('pg_temp.staged_products') IS NOT NULL THEN
        DROP TABLE pg_temp.staged_products;
    END IF;
    CREATE TEMPORARY TABLE staged_products ON COMMIT DROP AS
        SELECT 0::bigint AS line, p.seller_id, p.marketplace_id, p.asin, p.item_condition,
               p.fulfilment_channel, p.sku, p.currency, p.title, p.unit_cost, p.inbound_postage,
               p.own_postage, p.prep, p.category, p.weight_g, p.size_tier, p.sale_vat_rate,
               p.min_price, p.max_price, p.estimated_daily_sales, p.tags
        FROM public.products AS p
        WITH NO DATA;
END;
$$;
