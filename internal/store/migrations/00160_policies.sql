-- What the policies changed about objects, and more that is decided about hosts.
-- Classes: log (patch), private state (host_blocks).
--
-- Expected size: patch is empty for most objects. Locks: none to speak of, the
-- columns are added without a rewrite.

-- What the policies changed about a version before it was shown, as JSON; '' nothing.
-- doc stays as it was accepted.
ALTER TABLE objects ADD COLUMN patch TEXT NOT NULL DEFAULT '';
ALTER TABLE versions ADD COLUMN patch TEXT NOT NULL DEFAULT '';

-- More that can be decided about a host.
ALTER TABLE host_blocks ADD COLUMN media_nsfw BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE host_blocks ADD COLUMN followers_only BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE host_blocks ADD COLUMN avatar_removal BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE host_blocks ADD COLUMN banner_removal BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE host_blocks ADD COLUMN reject_deletes BOOLEAN NOT NULL DEFAULT FALSE;
