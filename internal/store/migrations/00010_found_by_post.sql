-- Projection: what waits is also looked up by who waits, and dropped with it. A wait
-- of kind 3 is a post's for somebody whom it mentions and who is not known yet.
--
-- Expected size: 20 bytes per row of waits. Locks: waits, shortly.
CREATE INDEX waits_ref ON waits (ref);

-- Projection and private state: what hangs on a deleted post or a thread that joins
-- another one is found by it.
CREATE INDEX pins_status ON pins (status);
CREATE INDEX conversation_mutes_conversation ON conversation_mutes (conversation);
