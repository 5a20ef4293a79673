-- A length in a sentence: "24 h", or "90 min" where the hours are not whole.
CREATE OR REPLACE FUNCTION buybox_length_text(p_length interval)
    RETURNS text
    LANGUAGE sql
    IMMUTABLE
    PARALLEL SAFE
    RETURN CASE
        WHEN extract(epoch FROM p_length) % 3600 = 0
            THEN trunc(extract(epoch FROM p_length) / 3600) || ' h'
        ELSE trunc(extract(epoch FROM p_length) / 60) || ' min'
    END;
