-- Numbers for the staff and the instance's pages, counted as time goes by. Class:
-- private state.
--
-- Expected size: a row of 60 bytes per day and known host that posted, kept for a
-- hundred days; one of 30 bytes per active account and day, week and month, kept for
-- a hundred days, and two years of months. Locks: none, new; the column is added
-- without a rewrite. Backfill: the job that counts begins twelve weeks back.
CREATE TABLE daily (
    key    TEXT COLLATE "C" NOT NULL,         -- statuses, interactions, active
    domain TEXT COLLATE "C" NOT NULL,         -- '' ours
    day    BIGINT NOT NULL,                   -- ms of its beginning, UTC
    n      BIGINT NOT NULL,
    PRIMARY KEY (key, domain, day)
) /* clustered */;
CREATE INDEX daily_day ON daily (key, day);

-- Who was active in a period; counted in daily when first seen.
CREATE TABLE active (
    kind  SMALLINT NOT NULL,                  -- 0 day, 1 week from Monday, 2 month
    start BIGINT NOT NULL,                    -- ms of its beginning, UTC
    actor BIGINT NOT NULL,
    PRIMARY KEY (kind, start, actor)
) /* clustered */;

ALTER TABLE accounts ADD COLUMN app BIGINT NOT NULL DEFAULT 0; -- with which it was made; 0: on our pages
