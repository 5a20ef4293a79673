-- Sets a seller's terms from a day on: what was in force on that day ends there, what was set for a
-- later day still begins then. Returns inserted, updated or unchanged.
--     SELECT buybox_set_seller_terms('SELLER', 'A1F83G8C2ARO7P', true, 1, 0.1, '2026-01-01');
CREATE OR REPLACE FUNCTION buybox_set_seller_terms(
    p_seller_id           text,
    p_marketplace_id      text,
    p_vat_registered      boolean,
    p_fee_vat_recoverable numeric,
    p_wanted_margin       numeric,
    p_valid_from          date,
    p_now                 timestamptz DEFAULT now()
)
    RETURNS text
    LANGUAGE plpgsql
AS $$
DECLARE
    _next  date;
    _known public.seller_terms;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('buybox terms ' || p_seller_id || p_marketplace_id));
    SELECT min(t.valid_from)
    INTO _next
    FROM public.seller_terms AS t
    WHERE t.seller_id = p_seller_id AND t.marketplace_id = p_marketplace_id
      AND t.valid_from > p_valid_from;

    UPDATE public.seller_terms AS t
    SET valid_to = p_valid_from, updated_at = p_now, changed_in = pg_current_xact_id()
    WHERE t.seller_id = p_seller_id AND t.marketplace_id = p_marketplace_id
      AND t.valid_from < p_valid_from AND (t.valid_to IS NULL OR t.valid_to > p_valid_from);

    SELECT *
    INTO _known
    FROM public.seller_terms AS t
    WHERE t.seller_id = p_seller_id AND t.marketplace_id = p_marketplace_id
      AND t.valid_from = p_valid_from;
    IF FOUND AND (
        _known.vat_registered, _known.fee_vat_recoverable, _known.wanted_margin, _known.valid_to
    ) IS NOT DISTINCT FROM (p_vat_registered, p_fee_vat_recoverable, p_wanted_margin, _next) THEN
        RETURN 'unchanged';
    END IF;

    INSERT INTO public.seller_terms (
        seller_id, marketplace_id, valid_from, valid_to, vat_registered, fee_vat_recoverable,
        wanted_margin, updated_at
    )
    VALUES (
        p_seller_id, p_marketplace_id, p_valid_from, _next, p_vat_registered,
        p_fee_vat_recoverable, p_wanted_margin, p_now
    )
    ON CONFLICT (seller_id, marketplace_id, valid_from) DO UPDATE SET
        valid_to = EXCLUDED.valid_to,
        vat_registered = EXCLUDED.vat_registered,
        fee_vat_recoverable = EXCLUDED.fee_vat_recoverable,
        wanted_margin = EXCLUDED.wanted_margin,
        updated_at = EXCLUDED.updated_at,
        changed_in = pg_current_xact_id();
    RETURN CASE WHEN _known.seller_id IS NULL THEN 'inserted' ELSE 'updated' END;
END;
$$;
