-- Bytes as an operator can read them: as text if they are UTF-8, escaped if not.
CREATE OR REPLACE FUNCTION buybox_readable(p_bytes bytea, p_max_chars integer DEFAULT 2000)
    RETURNS text
    LANGUAGE plpgsql
    IMMUTABLE
    PARALLEL SAFE
AS $$
BEGIN
    RETURN left(convert_from(p_bytes, 'UTF8'), p_max_chars);
EXCEPTION WHEN OTHERS THEN
    RETURN left(encode(p_bytes, 'escape'), p_max_chars);
END;
$$;
