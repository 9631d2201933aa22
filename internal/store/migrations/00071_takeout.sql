-- Private state: what people take away with them, and what they bring along.
--
-- Expected size: a row per archive and import; an import's file is at most 2 MB and
-- emptied at its end, its rows below go after a week. Locks: none, new.

CREATE TABLE archives (
    id       BIGINT PRIMARY KEY,
    actor    BIGINT NOT NULL,                 -- accounts.actor
    finished BIGINT NOT NULL,                 -- ms; 0 while it is put together
    file     TEXT NOT NULL,                   -- in the folder of archives; '' when it is gone, or not there yet
    size     BIGINT NOT NULL                  -- bytes
);
CREATE INDEX archives_actor ON archives (actor, id);

CREATE TABLE imports (
    id        BIGINT PRIMARY KEY,
    actor     BIGINT NOT NULL,                -- accounts.actor
    kind      TEXT NOT NULL,                  -- following, blocks, mutes, domain_blocks, lists, bookmarks
    overwrite BOOLEAN NOT NULL,               -- what is not in the file goes
    entries   TEXT NOT NULL,                  -- the file's rows, each a JSON array on a line
    total     BIGINT NOT NULL,                -- rows
    done      BIGINT NOT NULL,                -- of them, in order
    failed    BIGINT NOT NULL,
    cleared   BIGINT NOT NULL,                -- overwriting: the last one looked at, 0 not begun
    finished  BIGINT NOT NULL                 -- ms; 0 while it runs
);
CREATE INDEX imports_actor ON imports (actor, id);

-- What the rows of an import turned out to be, so that overwriting knows what stays.
CREATE TABLE import_targets (
    import BIGINT NOT NULL,
    part   BIGINT NOT NULL,                   -- a list's id; 0 for other kinds
    target BIGINT NOT NULL,                   -- actors.id or statuses.id
    PRIMARY KEY (import, part, target)
) /* clustered */;

CREATE TABLE import_failures (
    import BIGINT NOT NULL,
    number BIGINT NOT NULL,                   -- of the row, from 0
    entry  TEXT NOT NULL,                     -- the row as a JSON array
    reason TEXT NOT NULL,
    PRIMARY KEY (import, number)
) /* clustered */;
