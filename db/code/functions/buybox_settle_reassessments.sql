-- Before a change is worked in: waits for every analysis that is under way, since it may have read the
-- earlier costs and fees and not yet written its states. Later ones read the new. The gate is held
-- shared by each analysis (join_assessors.sql) and here, for a moment, alone. Analyses that come
-- meanwhile queue up behind us, so we give up soon and try again in a minute. Returns how many pieces
-- it made ready.
CREATE OR REPLACE FUNCTION buybox_settle_reassessments()
    RETURNS integer
    LANGUAGE plpgsql
    SET lock_timeout = '500ms'
AS $$
DECLARE
    _ids bigint[];
BEGIN
    SELECT array_agg(r.id) INTO _ids FROM public.reassessments AS r WHERE NOT r.settled;
    IF _ids IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock(hashtext('buybox assessment'));
        UPDATE public.reassessments AS r SET settled = true WHERE r.id = ANY (_ids);
    END IF;
    RETURN COALESCE(cardinality(_ids), 0);
END;
$$;
