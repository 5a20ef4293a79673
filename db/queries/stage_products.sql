-- An import of products begins: its waiting room, which COPY fills.
SELECT buybox_stage_products(), set_config('statement_timeout', %(statement_timeout)s::text, true)
