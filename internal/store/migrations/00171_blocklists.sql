-- Lists of hosts to be kept out that admins subscribe to, and what they say. Class:
-- private state.
--
-- Expected size: some lists; 150 bytes per host that a list names, thousands of hosts.
-- Locks: host_blocks for a moment, its default is constant.
CREATE TABLE blocklists (
    id      BIGINT PRIMARY KEY,               -- tells when
    name    TEXT COLLATE "C" NOT NULL,
    url     TEXT NOT NULL,                    -- '': it was imported, nothing is fetched
    allow   BOOLEAN NOT NULL,                 -- what it names is not kept out by other lists
    cap     TEXT NOT NULL,                    -- the hardest severity taken from it; '' any
    every   BIGINT NOT NULL,                  -- ms between fetches
    due     BIGINT NOT NULL,                  -- ms of the next fetch; 0 never
    fetched BIGINT NOT NULL,                  -- ms of the last one that succeeded
    problem TEXT NOT NULL,                    -- why the last one failed; '' it did not
    version BIGINT NOT NULL,                  -- of the entries that count; 0 none yet
    hosts   BIGINT NOT NULL,                  -- how many it names
    skipped BIGINT NOT NULL,                  -- lines that could not be used
    digest  TEXT NOT NULL                     -- SHA-256 of what was read, hex
);
CREATE UNIQUE INDEX blocklists_name ON blocklists (name);
CREATE TABLE blocklist_entries (
    list           BIGINT NOT NULL,
    version        BIGINT NOT NULL,           -- entries of others than the list's are on their way in or out
    domain         TEXT COLLATE "C" NOT NULL,
    severity       TEXT NOT NULL,
    reject_media   BOOLEAN NOT NULL,
    reject_reports BOOLEAN NOT NULL,
    comment        TEXT NOT NULL,
    obfuscate      BOOLEAN NOT NULL,
    PRIMARY KEY (list, version, domain)
) /* clustered */;
CREATE INDEX blocklist_entries_domain ON blocklist_entries (domain);

ALTER TABLE host_blocks ADD COLUMN listed BOOLEAN NOT NULL DEFAULT FALSE; -- lists brought it; else somebody here decided
