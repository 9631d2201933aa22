-- What the server says of itself: rules and terms. Class: private state. Other texts
-- are in settings.
--
-- Expected size: some rows. Locks: none, new.
CREATE TABLE rules (
    id           BIGINT PRIMARY KEY,
    text         TEXT NOT NULL,
    hint         TEXT NOT NULL,
    translations TEXT NOT NULL,               -- JSON: {"de": {"text": …, "hint": …}}
    removed      BIGINT NOT NULL              -- ms; reports may still name it
);
CREATE TABLE terms (
    effective TEXT COLLATE "C" PRIMARY KEY,   -- 2006-01-02
    content   TEXT NOT NULL,                  -- Markdown
    created   BIGINT NOT NULL
);
