-- Writes the waiting room into the catalogue, in one statement. Columns that are not named keep their
-- values (a nightly file of sales does not wipe the costs); rows that would not change are not
-- touched, not even locked, so that only what changed is re-assessed. One import at a time: the
-- comparison and the writing must see the same rows.
CREATE OR REPLACE FUNCTION buybox_apply_staged_products(p_columns text[], p_now timestamptz)
    RETURNS TABLE (inserted bigint, updated bigint, unchanged bigint)
    LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('buybox products'));
    ANALYZE pg_temp.staged_products;
    RETURN QUERY
    WITH wanted AS (
        SELECT s.seller_id, s.marketplace_id, s.asin, s.item_condition, s.fulfilment_channel, s.sku,
               s.currency,
               CASE WHEN 'title' = ANY (p_columns) THEN s.title ELSE p.title END AS title,
               CASE WHEN 'unit_cost' = ANY (p_columns) THEN s.unit_cost
                    ELSE p.unit_cost END AS unit_cost,
               CASE WHEN 'inbound_postage' = ANY (p_columns) THEN s.inbound_postage
                    ELSE p.inbound_postage END AS inbound_postage,
               CASE WHEN 'own_postage' = ANY (p_columns) THEN s.own_postage
                    ELSE p.own_postage END AS own_postage,
               CASE WHEN 'prep' = ANY (p_columns) THEN s.prep ELSE p.prep END AS prep,
               CASE WHEN 'category' = ANY (p_columns) THEN s.category
                    ELSE p.category END AS category,
               CASE WHEN 'weight_g' = ANY (p_columns) THEN s.weight_g
                    ELSE p.weight_g END AS weight_g,
               CASE WHEN 'size_tier' = ANY (p_columns) THEN s.size_tier
                    ELSE p.size_tier END AS size_tier,
               CASE WHEN 'sale_vat_rate' = ANY (p_columns) THEN s.sale_vat_rate
                    ELSE p.sale_vat_rate END AS sale_vat_rate,
               CASE WHEN 'min_price' = ANY (p_columns) THEN s.min_price
                    ELSE p.min_price END AS min_price,
               CASE WHEN 'max_price' = ANY (p_columns) THEN s.max_price
                    ELSE p.max_price END AS max_price,
               CASE WHEN 'estimated_daily_sales' = ANY (p_columns) THEN s.estimated_daily_sales
                    ELSE p.estimated_daily_sales END AS estimated_daily_sales,
               CASE WHEN 'tags' = ANY (p_columns) THEN s.tags
                    ELSE COALESCE(p.tags, '{}') END AS tags,
               p AS known
        FROM pg_temp.staged_products AS s
        LEFT JOIN public.products AS p
            USING (marketplace_id, asin, item_condition, seller_id, fulfilment_channel, sku)
    ),
    judged AS (
        SELECT w.*,
               (w.known).asin IS NULL AS is_new,
               (w.currency, w.title, w.unit_cost, w.inbound_postage, w.own_postage, w.prep,
                w.category, w.weight_g, w.size_tier, w.sale_vat_rate, w.min_price, w.max_price,
                w.estimated_daily_sales, w.tags)
               IS DISTINCT FROM
               ((w.known).currency, (w.known).title, (w.known).unit_cost,
                (w.known).inbound_postage, (w.known).own_postage, (w.known).prep,
                (w.known).category, (w.known).weight_g, (w.known).size_tier,
                (w.known).sale_vat_rate, (w.known).min_price, (w.known).max_price,
                (w.known).estimated_daily_sales, (w.known).tags) AS is_different
        FROM wanted AS w
    ),
    written AS (
        INSERT INTO public.products (
            seller_id, marketplace_id, asin, item_condition, fulfilment_channel, sku, currency,
            title, unit_cost, inbound_postage, own_postage, prep, category, weight_g, size_tier,
            sale_vat_rate, min_price, max_price, estimated_daily_sales, tags, updated_at
        )
        SELECT j.seller_id, j.marketplace_id, j.asin, j.item_condition, j.fulfilment_channel,
               j.sku, j.currency, j.title, j.unit_cost, j.inbound_postage, j.own_postage, j.prep,
               j.category, j.weight_g, j.size_tier, j.sale_vat_rate, j.min_price, j.max_price,
               j.estimated_daily_sales, j.tags, p_now
        FROM judged AS j
        WHERE j.is_different
        ORDER BY j.marketplace_id, j.asin, j.item_condition, j.seller_id, j.fulfilment_channel,
                 j.sku
        ON CONFLICT (marketplace_id, asin, item_condition, seller_id, fulfilment_channel, sku)
        DO UPDATE SET
            currency = EXCLUDED.currency,
            title = EXCLUDED.title,
            unit_cost = EXCLUDED.unit_cost,
            inbound_postage = EXCLUDED.inbound_postage,
            own_postage = EXCLUDED.own_postage,
            prep = EXCLUDED.prep,
            category = EXCLUDED.category,
            weight_g = EXCLUDED.weight_g,
            size_tier = EXCLUDED.size_tier,
            sale_vat_rate = EXCLUDED.sale_vat_rate,
            min_price = EXCLUDED.min_price,
            max_price = EXCLUDED.max_price,
            estimated_daily_sales = EXCLUDED.estimated_daily_sales,
            tags = EXCLUDED.tags,
            updated_at = EXCLUDED.updated_at,
            changed_in = pg_current_xact_id()
    )
    SELECT count(*) FILTER (WHERE j.is_new),
           count(*) FILTER (WHERE j.is_different AND NOT j.is_new),
           count(*) FILTER (WHERE NOT j.is_different)
    FROM judged AS j;
END;
$$;
