-- Which follows a suspension or a block of a host ended, so that those who lost them
-- can have a list, and so that they come back when it is lifted. Class: private state.
--
-- Expected size: 80 bytes per follow that ended. Locks: severances, while its index is
-- built; it has some rows.
CREATE TABLE severed_follows (
    owner     BIGINT NOT NULL,                -- of ours
    event     BIGINT NOT NULL,                -- severances.id
    following BOOLEAN NOT NULL,               -- owner followed other; else other followed owner
    other     BIGINT NOT NULL,
    seq       BIGINT NOT NULL,                -- of the Follow
    boosts    BOOLEAN NOT NULL,               -- how the owner followed
    notify    BOOLEAN NOT NULL,
    languages TEXT NOT NULL,
    restored  BIGINT NOT NULL,                -- ms; 0 not, -1 it could not be
    PRIMARY KEY (owner, event, following, other)
) /* clustered */;
CREATE INDEX severed_follows_lost ON severed_follows (event, owner, other) WHERE restored = 0;
CREATE INDEX severances_target ON severances (target, id);
