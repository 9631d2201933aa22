-- Log: from which domains accounts are known, without reading them all.
--
-- Expected size: 40 bytes per known account. Locks: writes to actors, about a
-- second per million of them. Backfill: none.
CREATE INDEX actors_domain ON actors (domain) WHERE domain <> '';
