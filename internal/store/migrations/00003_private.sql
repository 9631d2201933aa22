-- Private state: truth that never leaves the server and is never rebuilt.
--
-- Expected size: a few kB per local account. Locks: none, new.

CREATE TABLE settings (
    key   TEXT COLLATE "C" PRIMARY KEY,
    value TEXT NOT NULL
);

-- A local actor's account. The profile's sources as typed stand here, what is
-- public is in its actor document.
CREATE TABLE accounts (
    actor       BIGINT PRIMARY KEY,           -- actors.id
    email       TEXT NOT NULL,
    email_key   TEXT COLLATE "C" NOT NULL,    -- folded; '' when none
    password    TEXT NOT NULL,                -- argon2id in PHC form; '' means no sign-in by password
    role        TEXT NOT NULL,                -- '', moderator, admin
    private_key TEXT NOT NULL,                -- PEM
    created     BIGINT NOT NULL,
    confirmed   BIGINT NOT NULL,              -- e-mail address confirmed; 0 not yet
    approved    BIGINT NOT NULL,              -- 0: waits for approval
    disabled    BIGINT NOT NULL,
    reason      TEXT NOT NULL,                -- why the account was asked for
    locale      TEXT NOT NULL,
    sign_up_ip  TEXT NOT NULL,
    last_seen   BIGINT NOT NULL,
    preferences TEXT NOT NULL,                -- store.Preferences as JSON
    source      TEXT NOT NULL                 -- store.Source as JSON: note and fields as typed
);
CREATE UNIQUE INDEX accounts_email ON accounts (email_key) WHERE email_key <> '';

CREATE TABLE apps (
    id            BIGINT PRIMARY KEY,
    client_id     TEXT COLLATE "C" NOT NULL,
    secret        TEXT NOT NULL,              -- SHA-256, hex
    name          TEXT NOT NULL,
    website       TEXT NOT NULL,
    redirect_uris TEXT NOT NULL,              -- one a line
    scopes        TEXT NOT NULL,
    created       BIGINT NOT NULL
);
CREATE UNIQUE INDEX apps_client_id ON apps (client_id);

-- Access tokens, authorization codes, sign-in sessions, and links sent by mail:
-- all opaque secrets, stored as SHA-256 in hex.
CREATE TABLE tokens (
    id        BIGINT PRIMARY KEY,
    hash      TEXT COLLATE "C" NOT NULL,
    kind      TEXT NOT NULL,                  -- access, code, session, confirm, reset, setup, invite
    actor     BIGINT NOT NULL,                -- 0: an app's own token
    app       BIGINT NOT NULL,
    scopes    TEXT NOT NULL,
    data      TEXT NOT NULL,                  -- kind's own: PKCE challenge, redirect, CSRF …
    created   BIGINT NOT NULL,
    expires   BIGINT NOT NULL,                -- 0 never
    last_used BIGINT NOT NULL
);
CREATE UNIQUE INDEX tokens_hash ON tokens (hash);
CREATE INDEX tokens_actor ON tokens (actor, kind);
CREATE INDEX tokens_expires ON tokens (expires) WHERE expires <> 0;

CREATE TABLE idempotency (
    actor   BIGINT NOT NULL,
    key     TEXT COLLATE "C" NOT NULL,
    status  BIGINT NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (actor, key)
) /* clustered */;
CREATE INDEX idempotency_created ON idempotency (created);

CREATE TABLE mutes (
    actor         BIGINT NOT NULL,
    target        BIGINT NOT NULL,
    notifications BOOLEAN NOT NULL,
    created       BIGINT NOT NULL,            -- id for paging
    expires       BIGINT NOT NULL,
    PRIMARY KEY (actor, target)
) /* clustered */;

CREATE TABLE conversation_mutes (
    actor        BIGINT NOT NULL,
    conversation BIGINT NOT NULL,
    PRIMARY KEY (actor, conversation)
) /* clustered */;

CREATE TABLE domain_blocks (
    actor   BIGINT NOT NULL,
    domain  TEXT COLLATE "C" NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (actor, domain)
) /* clustered */;

CREATE TABLE bookmarks (
    actor  BIGINT NOT NULL,
    id     BIGINT NOT NULL,                   -- for paging
    status BIGINT NOT NULL,
    PRIMARY KEY (actor, status)
) /* clustered */;
CREATE INDEX bookmarks_page ON bookmarks (actor, id);

-- How a follower wants to follow. No row means boosts, no bell, all languages.
CREATE TABLE follow_settings (
    actor     BIGINT NOT NULL,
    target    BIGINT NOT NULL,
    boosts    BOOLEAN NOT NULL,
    notify    BOOLEAN NOT NULL,
    languages TEXT NOT NULL,                  -- comma-separated; '' all
    PRIMARY KEY (actor, target)
) /* clustered */;

CREATE TABLE notes (
    actor   BIGINT NOT NULL,
    target  BIGINT NOT NULL,
    comment TEXT NOT NULL,
    PRIMARY KEY (actor, target)
) /* clustered */;

CREATE TABLE lists (
    id        BIGINT PRIMARY KEY,
    owner     BIGINT NOT NULL,
    title     TEXT NOT NULL,
    replies   TEXT NOT NULL,                  -- followed, list, none
    exclusive BOOLEAN NOT NULL
);
CREATE INDEX lists_owner ON lists (owner);
CREATE TABLE list_members (
    list   BIGINT NOT NULL,
    target BIGINT NOT NULL,
    id     BIGINT NOT NULL,                   -- for paging
    PRIMARY KEY (list, target)
) /* clustered */;
CREATE INDEX list_members_target ON list_members (target, list);

CREATE TABLE filters (
    id       BIGINT PRIMARY KEY,
    owner    BIGINT NOT NULL,
    title    TEXT NOT NULL,
    contexts TEXT NOT NULL,                   -- comma-separated
    action   TEXT NOT NULL,                   -- warn, hide, blur
    expires  BIGINT NOT NULL
);
CREATE INDEX filters_owner ON filters (owner);
CREATE TABLE filter_keywords (
    id         BIGINT PRIMARY KEY,
    filter     BIGINT NOT NULL,
    keyword    TEXT NOT NULL,
    whole_word BOOLEAN NOT NULL
);
CREATE INDEX filter_keywords_filter ON filter_keywords (filter);
CREATE TABLE filter_statuses (
    id     BIGINT PRIMARY KEY,
    filter BIGINT NOT NULL,
    status BIGINT NOT NULL
);
CREATE INDEX filter_statuses_filter ON filter_statuses (filter);

CREATE TABLE markers (
    actor     BIGINT NOT NULL,
    timeline  TEXT NOT NULL,                  -- home, notifications
    last_read TEXT NOT NULL,
    version   BIGINT NOT NULL,
    updated   BIGINT NOT NULL,
    PRIMARY KEY (actor, timeline)
) /* clustered */;

CREATE TABLE dismissed (
    owner        BIGINT NOT NULL,
    notification BIGINT NOT NULL,
    PRIMARY KEY (owner, notification)
) /* clustered */;

-- Uploads. Attached ones are kept as long as their status.
CREATE TABLE media (
    id          BIGINT PRIMARY KEY,
    owner       BIGINT NOT NULL,
    status      BIGINT NOT NULL,              -- 0 while not attached
    kind        TEXT NOT NULL,                -- image, video, audio
    mime        TEXT NOT NULL,
    file        TEXT NOT NULL,                -- key in the media storage
    preview     TEXT NOT NULL,                -- key, '' when none
    size        BIGINT NOT NULL,
    meta        TEXT NOT NULL,                -- store.MediaMeta as JSON: sizes, focus, blurhash, duration
    description TEXT NOT NULL,
    created     BIGINT NOT NULL
);
CREATE INDEX media_status ON media (status) WHERE status <> 0;
CREATE INDEX media_loose ON media (created) WHERE status = 0;

-- The instance's own emoji.
CREATE TABLE emoji (
    shortcode TEXT COLLATE "C" PRIMARY KEY,
    file      TEXT NOT NULL,
    static    TEXT NOT NULL,
    category  TEXT NOT NULL,
    visible   BOOLEAN NOT NULL,
    updated   BIGINT NOT NULL
);

CREATE TABLE reports (
    id       BIGINT PRIMARY KEY,
    reporter BIGINT NOT NULL,
    target   BIGINT NOT NULL,
    statuses TEXT NOT NULL,                   -- ids, comma-separated
    comment  TEXT NOT NULL,
    category TEXT NOT NULL,
    forward  BOOLEAN NOT NULL,
    created  BIGINT NOT NULL,
    resolved BIGINT NOT NULL
);
