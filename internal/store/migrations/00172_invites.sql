-- Invites: codes with which people may sign up. Class: private state.
--
-- Expected size: some hundred rows of 100 bytes. Locks: accounts for a moment, the
-- default is constant. Links that `kenoma invite create` printed before stop working.
CREATE TABLE invites (
    id        BIGINT PRIMARY KEY,             -- tells when
    code      TEXT COLLATE "C" NOT NULL,
    creator   BIGINT NOT NULL,                -- actors.id; 0: on the command line
    max_uses  BIGINT NOT NULL,                -- 0 any number
    uses      BIGINT NOT NULL,
    expires   BIGINT NOT NULL,                -- ms, 0 never
    revoked   BIGINT NOT NULL,                -- ms, 0 not
    autofollow BOOLEAN NOT NULL,              -- who comes follows the creator
    comment   TEXT NOT NULL
);
CREATE UNIQUE INDEX invites_code ON invites (code);
CREATE INDEX invites_creator ON invites (creator, id);

ALTER TABLE accounts ADD COLUMN invite BIGINT NOT NULL DEFAULT 0; -- invites.id with which it was made
CREATE INDEX accounts_invite ON accounts (invite) WHERE invite <> 0;
DELETE FROM tokens WHERE kind = 'invite';
