-- Private state: uploads that are still being worked on.
--
-- Expected size: two short columns per upload. Locks: media, for a moment; nothing
-- is rewritten, since the defaults are constant. Backfill: none, all uploads of
-- earlier versions are ready.
ALTER TABLE media ADD COLUMN state SMALLINT NOT NULL DEFAULT 0; -- store.UploadState
ALTER TABLE media ADD COLUMN problem TEXT NOT NULL DEFAULT '';  -- why it failed, for its owner
