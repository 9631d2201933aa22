-- What people listened to. Class: projection, of Listen.
--
-- Expected size: 150 bytes per track of those who tell. Locks: none, the table is
-- new. Backfill: what came before had no effect and stays without.
CREATE TABLE scrobbles (
    actor  BIGINT NOT NULL,
    seq    BIGINT NOT NULL,                   -- the Listen
    title  TEXT NOT NULL,
    artist TEXT NOT NULL,
    album  TEXT NOT NULL,
    length BIGINT NOT NULL,                   -- seconds as sent, 0 unknown
    link   TEXT NOT NULL,
    PRIMARY KEY (actor, seq)
) /* clustered */;
