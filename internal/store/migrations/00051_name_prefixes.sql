-- Projection: accounts by how their handle, or a word of the name they show, begins;
-- in the order in which they are offered, so that a few typed letters need no look at
-- all who begin so.
--
-- Expected size: ten rows of 30 bytes per known account on SQLite, of 90 on
-- PostgreSQL. Locks: none, new. Backfill: here, some seconds per million of accounts;
-- all count as followed by nobody until followers come or go, or a rebuild.
CREATE TABLE name_prefixes (
    prefix TEXT COLLATE "C" NOT NULL,         -- up to 5 characters, in lower case
    place  SMALLINT NOT NULL,                 -- the lower the earlier: −bits of the followers' number, −32 more for ours
    actor  BIGINT NOT NULL,
    PRIMARY KEY (prefix, place, actor)
) /* clustered */;
CREATE INDEX name_prefixes_actor ON name_prefixes (actor, prefix);
INSERT INTO name_prefixes SELECT p, CASE WHEN local THEN -32 ELSE 0 END, id FROM (
    SELECT substr(name_key, 1, 1) AS p, local, id FROM actors WHERE deleted = 0
    UNION SELECT substr(name_key, 1, 2), local, id FROM actors WHERE deleted = 0
    UNION SELECT substr(name_key, 1, 3), local, id FROM actors WHERE deleted = 0
    UNION SELECT substr(name_key, 1, 4), local, id FROM actors WHERE deleted = 0
    UNION SELECT substr(name_key, 1, 5), local, id FROM actors WHERE deleted = 0
    UNION SELECT substr(w.word, 1, 1), a.local, a.id FROM name_words w JOIN actors a ON a.id = w.actor
    UNION SELECT substr(w.word, 1, 2), a.local, a.id FROM name_words w JOIN actors a ON a.id = w.actor
    UNION SELECT substr(w.word, 1, 3), a.local, a.id FROM name_words w JOIN actors a ON a.id = w.actor
    UNION SELECT substr(w.word, 1, 4), a.local, a.id FROM name_words w JOIN actors a ON a.id = w.actor
    UNION SELECT substr(w.word, 1, 5), a.local, a.id FROM name_words w JOIN actors a ON a.id = w.actor
) x;
