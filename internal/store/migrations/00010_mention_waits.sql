-- Projection: what waits is also looked up by who waits, and dropped with it. A wait
-- of kind 3 is a post's for somebody whom it mentions and who is not known yet.
--
-- Expected size: 20 bytes per row of waits. Locks: waits, shortly.
CREATE INDEX waits_ref ON waits (ref);
