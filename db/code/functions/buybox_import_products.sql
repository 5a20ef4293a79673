-- The import for those who have SQL and no file: p_rows is a JSON list of objects whose keys are the
-- columns of products. A column that no object names keeps its values; null makes a value unknown. All
-- or nothing: whatever the constraints refuse, a repeated product or an unknown key ends it with an
-- error.
--     SELECT * FROM buybox_import_products('[{"seller_id": "...", "asin": "...", ...}]');
CREATE OR REPLACE FUNCTION buybox_import_products(
    p_rows jsonb,
    p_now  timestamptz DEFAULT now()
)
    RETURNS TABLE (inserted bigint, updated bigint, unchanged bigint)
    LANGUAGE plpgsql
AS $$
DECLARE
    _columns text[];
    _unknown text;
    _repeat  record;
BEGIN
    PERFORM buybox_stage_products();
    SELECT COALESCE(array_agg(DISTINCT k.name), '{}')
    INTO _columns
    FROM jsonb_array_elements(p_rows) AS r (entry), jsonb_object_keys(r.entry) AS k (name);
    SELECT c.name
    INTO _unknown
    FROM unnest(_columns) AS c (name)
    WHERE c.name = 'line' OR NOT EXISTS (
        SELECT FROM pg_attribute AS a
        WHERE a.attrelid = 'pg_temp.staged_products'::regclass AND a.attname = c.name
          AND a.attnum > 0
    )
    LIMIT 1;
    IF _unknown IS NOT NULL THEN
        RAISE EXCEPTION 'a product has no column %', _unknown USING ERRCODE = 'undefined_column';
    END IF;
    INSERT INTO pg_temp.staged_products
    SELECT (jsonb_populate_record(
        NULL::pg_temp.staged_products,
        '{"sku": "", "tags": []}' || r.entry || jsonb_build_object('line', r.line)
    )).*
    FROM jsonb_array_elements(p_rows) WITH ORDINALITY AS r (entry, line);
    SELECT * INTO _repeat FROM buybox_drop_repeated_products() LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'entry % names the same product as entry %', _repeat.line, _repeat.first_line
            USING ERRCODE = 'cardinality_violation';
    END IF;
    RETURN QUERY SELECT * FROM buybox_apply_staged_products(_columns, p_now);
END;
$$;
