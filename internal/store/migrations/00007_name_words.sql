-- Projection: the words of the names that accounts show, for finding people.
--
-- Expected size: two rows of 50 bytes per known account. Locks: none, new.
-- Backfill: accounts are found by these once their profile was seen again, or
-- after `kenoma db rebuild`.
CREATE TABLE name_words (
    word  TEXT COLLATE "C" NOT NULL,          -- in lower case
    actor BIGINT NOT NULL,
    PRIMARY KEY (word, actor)
) /* clustered */;
CREATE INDEX name_words_actor ON name_words (actor);
