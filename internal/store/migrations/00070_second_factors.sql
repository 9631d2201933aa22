-- Private state: what people show beside, or in place of, their password.
--
-- Expected size: about 12 rows per account that uses it, at most 1 kB each. Locks: none, new.

CREATE TABLE second_factors (
    id      BIGINT PRIMARY KEY,
    actor   BIGINT NOT NULL,                  -- accounts.actor
    kind    TEXT NOT NULL,                    -- totp, passkey, recovery
    name    TEXT NOT NULL,                    -- the person's own, for the list
    key     TEXT COLLATE "C" NOT NULL,        -- passkey: the credential's id in base64url; recovery: SHA-256 of actor and code; '' else
    secret  TEXT NOT NULL,                    -- totp: the shared secret in base32; passkey: the credential's record as JSON; '' else
    step    BIGINT NOT NULL,                  -- totp: the last time step that was taken, so that no code works twice
    created BIGINT NOT NULL,
    used    BIGINT NOT NULL                   -- ms; 0 never
);
CREATE INDEX second_factors_actor ON second_factors (actor, kind);
CREATE UNIQUE INDEX second_factors_key ON second_factors (key) WHERE key <> '';
