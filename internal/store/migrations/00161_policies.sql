-- Policies that are set up while the server runs, and what they need to know.
-- Class: private state.
--
-- Expected size: a row per tagged account, changed setting, script, and post of ours
-- that deletes itself. Locks: none, the tables are new.

-- What moderators tagged accounts with, for the policy Tag.
CREATE TABLE actor_tags (
    actor BIGINT NOT NULL,
    tag   TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (actor, tag)
) /* clustered */;

-- Settings of the policies, over the defaults.
CREATE TABLE policy_settings (
    key   TEXT COLLATE "C" NOT NULL,          -- as in the settings' file
    value TEXT NOT NULL,                      -- JSON: a text, number, truth or list of texts
    PRIMARY KEY (key)
) /* clustered */;

-- Policies of the admin's own.
CREATE TABLE policy_scripts (
    name    TEXT COLLATE "C" NOT NULL,
    source  TEXT NOT NULL,                    -- Starlark
    enabled BOOLEAN NOT NULL,
    changed BIGINT NOT NULL,                  -- ms
    PRIMARY KEY (name)
) /* clustered */;

-- Posts of ours that delete themselves.
CREATE TABLE expirations (
    status BIGINT PRIMARY KEY,                -- statuses.id
    at     BIGINT NOT NULL                    -- ms
);
