-- What the admins keep out: hosts, e-mail providers, addresses. Class: private state.
--
-- Expected size: some thousand rows of 200 bytes. Locks: writes to actors while the
-- index is built, about a second per million of them.

CREATE TABLE host_blocks (
    id              BIGINT PRIMARY KEY,       -- tells when
    domain          TEXT COLLATE "C" NOT NULL,
    severity        TEXT NOT NULL,            -- noop, silence, suspend
    reject_media    BOOLEAN NOT NULL,
    reject_reports  BOOLEAN NOT NULL,
    private_comment TEXT NOT NULL,
    public_comment  TEXT NOT NULL,
    obfuscate       BOOLEAN NOT NULL
);
CREATE UNIQUE INDEX host_blocks_domain ON host_blocks (domain);

-- Hosts that are let in where federation is limited.
CREATE TABLE host_allows (
    id     BIGINT PRIMARY KEY,
    domain TEXT COLLATE "C" NOT NULL
);
CREATE UNIQUE INDEX host_allows_domain ON host_allows (domain);

-- E-mail providers that nobody may sign up with.
CREATE TABLE email_domain_blocks (
    id             BIGINT PRIMARY KEY,
    domain         TEXT COLLATE "C" NOT NULL,
    allow_approval BOOLEAN NOT NULL           -- a moderator decides instead
);
CREATE UNIQUE INDEX email_domain_blocks_domain ON email_domain_blocks (domain);
CREATE TABLE email_domain_uses (
    block    BIGINT NOT NULL,
    day      BIGINT NOT NULL,                 -- ms of its beginning, UTC
    attempts BIGINT NOT NULL,
    PRIMARY KEY (block, day)
) /* clustered */;

-- Addresses: SHA-256 of the mailbox, so that they are known again without being kept.
CREATE TABLE canonical_email_blocks (
    id    BIGINT PRIMARY KEY,
    hash  TEXT COLLATE "C" NOT NULL,          -- hex
    actor BIGINT NOT NULL                     -- whose suspension brought it; 0 none
);
CREATE UNIQUE INDEX canonical_email_blocks_hash ON canonical_email_blocks (hash);
CREATE INDEX canonical_email_blocks_actor ON canonical_email_blocks (actor) WHERE actor <> 0;

CREATE TABLE ip_blocks (
    id       BIGINT PRIMARY KEY,
    ip       TEXT COLLATE "C" NOT NULL,       -- CIDR
    severity TEXT NOT NULL,                   -- sign_up_requires_approval, sign_up_block, no_access
    comment  TEXT NOT NULL,
    expires  BIGINT NOT NULL                  -- ms, 0 never
);
CREATE UNIQUE INDEX ip_blocks_ip ON ip_blocks (ip);

CREATE INDEX actors_domain_id ON actors (domain, id) WHERE domain <> ''; -- the accounts of a host, in chunks
