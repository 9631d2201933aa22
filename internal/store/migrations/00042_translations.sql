-- Translations of posts. Operational: a cache that expires.
--
-- Expected size: 2 kB per post and language that was asked for, one week. Locks:
-- none, new.
CREATE TABLE translations (
    status   BIGINT NOT NULL,
    language TEXT COLLATE "C" NOT NULL,
    source   BIGINT NOT NULL,                 -- store.LinkID of what was translated: an edit has another
    made     BIGINT NOT NULL,                 -- ms
    doc      TEXT NOT NULL,                   -- store.Translation as JSON
    PRIMARY KEY (status, language)
) /* clustered */;
CREATE INDEX translations_made ON translations (made);
