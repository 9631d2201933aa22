-- What moderators decided about accounts, and who did what. Class: private state.
--
-- Expected size: a row per decision, 300 bytes; three numbers per known account.
-- Locks: the columns are added without a rewrite; each partial index reads its
-- table once, about a second per million rows.

-- ms since when, 0 not. An account of a blocked host has the time of the block.
ALTER TABLE actors ADD COLUMN silenced BIGINT NOT NULL DEFAULT 0;   -- not in public places
ALTER TABLE actors ADD COLUMN suspended BIGINT NOT NULL DEFAULT 0;  -- not there at all
ALTER TABLE actors ADD COLUMN sensitized BIGINT NOT NULL DEFAULT 0; -- its media is marked
CREATE INDEX actors_silenced ON actors (id) WHERE silenced <> 0;
CREATE INDEX actors_suspended ON actors (id) WHERE suspended <> 0;
CREATE INDEX actors_sensitized ON actors (id) WHERE sensitized <> 0;
CREATE INDEX accounts_pending ON accounts (actor) WHERE approved = 0;
CREATE INDEX accounts_disabled ON accounts (actor) WHERE disabled <> 0;

-- From where our people came; kept for a year.
CREATE TABLE seen_ips (
    actor BIGINT NOT NULL,
    ip    TEXT COLLATE "C" NOT NULL,
    used  BIGINT NOT NULL,                    -- ms of the last time, to within ten minutes
    PRIMARY KEY (actor, ip)
) /* clustered */;
CREATE INDEX seen_ips_ip ON seen_ips (ip, actor);
CREATE INDEX seen_ips_used ON seen_ips (used);

-- One row for every moderator action.
CREATE TABLE audit (
    id      BIGINT PRIMARY KEY,
    actor   BIGINT NOT NULL,                  -- who did it; 0: on the command line
    action  TEXT NOT NULL,                    -- suspend, resolve, create …
    kind    TEXT COLLATE "C" NOT NULL,        -- of the target: account, report, domain_block …
    target  BIGINT NOT NULL,                  -- its id
    name    TEXT NOT NULL,                    -- what it was called then
    details TEXT NOT NULL                     -- JSON object
);
CREATE INDEX audit_actor ON audit (actor, id);
CREATE INDEX audit_target ON audit (kind, target, id);

-- What the moderated were told.
CREATE TABLE warnings (
    id        BIGINT PRIMARY KEY,
    moderator BIGINT NOT NULL,
    target    BIGINT NOT NULL,
    action    TEXT NOT NULL,                  -- none, disable, sensitive, silence, suspend, delete_statuses …
    text      TEXT NOT NULL,
    report    BIGINT NOT NULL,                -- 0 none
    statuses  TEXT NOT NULL,                  -- ids, comma-separated
    overruled BIGINT NOT NULL DEFAULT 0       -- ms when an appeal was granted
);
CREATE INDEX warnings_target ON warnings (target, id);

-- Their answers.
CREATE TABLE appeals (
    warning  BIGINT PRIMARY KEY,              -- warnings.id
    actor    BIGINT NOT NULL,
    text     TEXT NOT NULL,
    created  BIGINT NOT NULL,
    approved BIGINT NOT NULL,                 -- ms, 0 not
    rejected BIGINT NOT NULL
);
CREATE INDEX appeals_open ON appeals (warning) WHERE approved = 0 AND rejected = 0;

-- Texts for warnings that come up often.
CREATE TABLE warning_presets (
    id    BIGINT PRIMARY KEY,
    title TEXT NOT NULL,
    text  TEXT NOT NULL
);

-- Reports grow what moderators do with them.
ALTER TABLE reports ADD COLUMN rules TEXT NOT NULL DEFAULT '';       -- ids, comma-separated
ALTER TABLE reports ADD COLUMN collections TEXT NOT NULL DEFAULT '';
ALTER TABLE reports ADD COLUMN assigned BIGINT NOT NULL DEFAULT 0;   -- actors.id
ALTER TABLE reports ADD COLUMN resolver BIGINT NOT NULL DEFAULT 0;
ALTER TABLE reports ADD COLUMN updated BIGINT NOT NULL DEFAULT 0;    -- ms
ALTER TABLE reports ADD COLUMN uri TEXT COLLATE "C" NOT NULL DEFAULT ''; -- of a Flag that came from elsewhere
CREATE INDEX reports_open ON reports (id) WHERE resolved = 0;
CREATE INDEX reports_resolved ON reports (resolved) WHERE resolved <> 0;
CREATE INDEX reports_target ON reports (target, id);
CREATE INDEX reports_reporter ON reports (reporter, id);
CREATE UNIQUE INDEX reports_uri ON reports (uri) WHERE uri <> '';

-- Follows that ended because of a suspension or a blocked host, counted for those
-- of ours who lost them.
CREATE TABLE severances (
    id      BIGINT PRIMARY KEY,
    type    TEXT NOT NULL,                    -- domain_block, user_domain_block, account_suspension
    target  TEXT NOT NULL,                    -- host or handle
    purged  BOOLEAN NOT NULL
);
CREATE TABLE severed (
    owner     BIGINT NOT NULL,
    event     BIGINT NOT NULL,
    followers BIGINT NOT NULL,
    following BIGINT NOT NULL,
    PRIMARY KEY (owner, event)
) /* clustered */;
