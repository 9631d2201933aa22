-- Private state: whether anybody bookmarked a post is asked before it is forgotten.
--
-- Expected size: 20 bytes per bookmark. Locks: bookmarks, shortly.
CREATE INDEX bookmarks_status ON bookmarks (status);
