-- Private state: the files of an account, so that they can be deleted with it.
--
-- Expected size: 24 bytes per upload. Locks: media, while the index is built, about a
-- second per million files. Backfill: none.
CREATE INDEX media_owner ON media (owner, id);
