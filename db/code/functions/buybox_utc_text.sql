-- A moment in a sentence: "2026-03-10 12:00 UTC", whatever the session's timezone.
CREATE OR REPLACE FUNCTION buybox_utc_text(p_at timestamptz, p_format text DEFAULT 'YYYY-MM-DD HH24:MI')
    RETURNS text
    LANGUAGE sql
    STABLE
    PARALLEL SAFE
    RETURN to_char(p_at AT TIME ZONE 'UTC', p_format) || ' UTC';
