-- Projection: for each pair of an account and a server where its followers are, a
-- digest of them, so that two servers can tell whether they mean the same people
-- (FEP-8fcf). host is '' for followers here, of accounts elsewhere.
--
-- Expected size: 120 bytes per pair. Locks: none, new.
-- Backfill: `kenoma db rebuild`; until then lists are compared in vain.
CREATE TABLE follower_digests (
    target    BIGINT NOT NULL,
    host      TEXT COLLATE "C" NOT NULL,
    followers BIGINT NOT NULL,                -- How many.
    digest    TEXT COLLATE "C" NOT NULL,      -- Their ids' SHA-256 values, XORed, in hex.
    PRIMARY KEY (target, host)
) /* clustered */;
