-- When hosts were last asked what they run. Class: operational, as the table.
--
-- Expected size: a small integer per host. Locks: adding the column rewrites
-- nothing. Backfill: none, hosts are asked when new accounts of theirs come.
ALTER TABLE hosts ADD COLUMN software_asked BIGINT NOT NULL DEFAULT 0;
