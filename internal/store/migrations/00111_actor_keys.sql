-- Keys of actors beside the first, which stands in actors. Class: projection, of the
-- actors' documents.
--
-- Expected size: a row of 150 bytes for each actor with an Ed25519 key. Locks: none,
-- new. Backfill: a rebuild; else with the next version of each actor, which is fetched
-- when a key is not known.
CREATE TABLE actor_keys (
    actor  BIGINT NOT NULL,
    key_id TEXT COLLATE "C" NOT NULL,
    key    TEXT NOT NULL,                     -- PEM or multibase
    PRIMARY KEY (actor, key_id)
) /* clustered */;
CREATE INDEX actor_keys_id ON actor_keys (key_id);

-- Our accounts' keys for integrity proofs. Class: private state.
--
-- Expected size: 200 bytes per account. Locks: none, new. Backfill: a job at the start.
CREATE TABLE proof_keys (
    actor       BIGINT PRIMARY KEY,
    private_key TEXT NOT NULL,                -- PEM
    made        BIGINT NOT NULL
);

-- What others sent about our people's posts and is forwarded to their followers, as
-- it came. Class: operational, dropped with the records of its deliveries.
--
-- Expected size: 2 kB per forwarded activity of the last five weeks. Locks: none, new.
CREATE TABLE forwards (
    activity BIGINT PRIMARY KEY,              -- activities.seq
    actor    BIGINT NOT NULL,                 -- actors.id of ours, in whose name it goes out
    doc      TEXT NOT NULL
);
