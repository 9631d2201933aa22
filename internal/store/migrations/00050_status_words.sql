-- Projection: the words of posts, for searching in full text; and of profiles,
-- whether anybody may find their public posts.
--
-- The one table whose form differs between the engines. On SQLite it is a full-text
-- index without a copy of the text, which is read in the order of ids from either
-- end; on PostgreSQL, whose own text index has no order and so would read every post
-- with a frequent word, a row per word. (status_words_list shows SQLite's index as such
-- rows and takes no room.) Which words a post has is decided in
-- internal/search, for both.
--
-- Expected size: 150 bytes per post on SQLite, 80 per different word of it on
-- PostgreSQL. Locks: profiles, for about a second per million. Backfill: profiles
-- here; posts from before are indexed by jobs after the start, or by a rebuild.
-- [postgres]
CREATE TABLE status_words (
    word   TEXT COLLATE "C" NOT NULL,
    status BIGINT NOT NULL,
    PRIMARY KEY (word, status)
);
CREATE INDEX status_words_status ON status_words (status);
-- [sqlite]
-- CREATE VIRTUAL TABLE status_words USING fts5 (words, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii'); CREATE VIRTUAL TABLE status_words_list USING fts5vocab (status_words, instance);
-- [both]
ALTER TABLE profiles ADD COLUMN indexable BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE profiles SET indexable = TRUE WHERE doc LIKE '%,"indexable":true%';
