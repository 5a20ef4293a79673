-- Sets a seller's terms from a day on; says whether they were inserted, updated or unchanged.
SELECT buybox_set_seller_terms(
    %(seller_id)s::text, %(marketplace_id)s::text, %(vat_registered)s::boolean,
    %(fee_vat_recoverable)s::numeric, %(wanted_margin)s::numeric, %(valid_from)s::date,
    %(now)s::timestamptz
)
