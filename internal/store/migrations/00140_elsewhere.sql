-- What other servers say of their accounts in collections, and when they were asked.
-- Class: private state; it is in no document of the log, and asking again takes days.
--
-- Expected size: 50 bytes per remote account that somebody here looked at or follows.
-- Locks: none, new. Backfill: none, it comes as accounts are looked at.
CREATE TABLE elsewhere (
    actor      BIGINT PRIMARY KEY,
    followers  BIGINT NOT NULL,               -- totalItems; -1 not told
    following  BIGINT NOT NULL,
    statuses   BIGINT NOT NULL,
    looked     BIGINT NOT NULL,               -- ms when this was asked for; 0 never
    backfilled BIGINT NOT NULL                -- ms when its newest posts were fetched; 0 never
) /* clustered */;
