-- Imports fee rules by their rule_id: new ones are added, changed ones replaced, the others not
-- touched. p_rows is a JSON list of objects whose keys are the columns of fee_rules. All or nothing:
-- whatever the constraints refuse, such as two rules in force for the same thing on the same day, ends
-- it with an error.
--     SELECT * FROM buybox_import_fee_rules('[{"rule_id": "uk-referral-toys", ...}]');
CREATE OR REPLACE FUNCTION buybox_import_fee_rules(
    p_rows jsonb,
    p_now  timestamptz DEFAULT now()
)
    RETURNS TABLE (inserted bigint, updated bigint, unchanged bigint)
    LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('buybox fee rules'));
    RETURN QUERY
    WITH given AS (
        SELECT (jsonb_populate_record(
            NULL::public.fee_rules, '{"applies_to": [], "note": ""}' || r.entry
        )).*
        FROM jsonb_array_elements(p_rows) AS r (entry)
    ),
    judged AS (
        SELECT g.*,
               k.rule_id IS NULL AS is_new,
               (g.marketplace_id, g.kind, g.category, g.size_tier, g.weight_up_to_g,
                g.fulfilment_channel, g.shape, g.price_up_to, g.rate, g.amount, g.minimum,
                g.applies_to, g.currency, g.valid_from, g.valid_to, g.source, g.source_date, g.note)
               IS DISTINCT FROM
               (k.marketplace_id, k.kind, k.category, k.size_tier, k.weight_up_to_g,
                k.fulfilment_channel, k.shape, k.price_up_to, k.rate, k.amount, k.minimum,
                k.applies_to, k.currency, k.valid_from, k.valid_to, k.source, k.source_date, k.note)
               AS is_different
        FROM given AS g
        LEFT JOIN public.fee_rules AS k
            ON k.rule_id = g.rule_id AND k.seller_id IS NOT DISTINCT FROM g.seller_id
    ),
    written AS (
        INSERT INTO public.fee_rules (
            rule_id, marketplace_id, seller_id, kind, category, size_tier, weight_up_to_g,
            fulfilment_channel, shape, price_up_to, rate, amount, minimum, applies_to, currency,
            valid_from, valid_to, source, source_date, note, updated_at
        )
        SELECT j.rule_id, j.marketplace_id, j.seller_id, j.kind, j.category, j.size_tier,
               j.weight_up_to_g, j.fulfilment_channel, j.shape, j.price_up_to, j.rate, j.amount,
               j.minimum, j.applies_to, j.currency, j.valid_from, j.valid_to, j.source,
               j.source_date, j.note, p_now
        FROM judged AS j
        WHERE j.is_different
        ON CONFLICT (seller_id, rule_id) DO UPDATE SET
            marketplace_id = EXCLUDED.marketplace_id,
            kind = EXCLUDED.kind,
            category = EXCLUDED.category,
            size_tier = EXCLUDED.size_tier,
            weight_up_to_g = EXCLUDED.weight_up_to_g,
            fulfilment_channel = EXCLUDED.fulfilment_channel,
            shape = EXCLUDED.shape,
            price_up_to = EXCLUDED.price_up_to,
            rate = EXCLUDED.rate,
            amount = EXCLUDED.amount,
            minimum = EXCLUDED.minimum,
            applies_to = EXCLUDED.applies_to,
            currency = EXCLUDED.currency,
            valid_from = EXCLUDED.valid_from,
            valid_to = EXCLUDED.valid_to,
            source = EXCLUDED.source,
            source_date = EXCLUDED.source_date,
            note = EXCLUDED.note,
            updated_at = EXCLUDED.updated_at,
            changed_in = pg_current_xact_id()
    )
    SELECT count(*) FILTER (WHERE j.is_new),
           count(*) FILTER (WHERE j.is_different AND NOT j.is_new),
           count(*) FILTER (WHERE NOT j.is_different)
    FROM judged AS j;
END;
$$;
