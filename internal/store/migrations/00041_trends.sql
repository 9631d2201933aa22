-- What is much talked about. Operational: small counters that grow as posts arrive
-- and are dropped after a week, and scores made of them; reviews are private state.
--
-- Expected size: 40 bytes per (account, tag or link, day), some hundred rows of
-- trends. Locks: none, new.
CREATE TABLE trend_days (
    kind     SMALLINT NOT NULL,               -- store.TrendTag, TrendLink
    item     BIGINT NOT NULL,                 -- tags.id or store.LinkID
    day      BIGINT NOT NULL,                 -- days since 1970, UTC
    uses     BIGINT NOT NULL,
    accounts BIGINT NOT NULL,
    PRIMARY KEY (kind, item, day)
) /* clustered */;
CREATE INDEX trend_days_most ON trend_days (kind, day, accounts);
CREATE TABLE trend_users (
    day   BIGINT NOT NULL,
    kind  SMALLINT NOT NULL,
    item  BIGINT NOT NULL,
    actor BIGINT NOT NULL,
    PRIMARY KEY (day, kind, item, actor)
) /* clustered */;

-- What trends now, or may soon.
CREATE TABLE trends (
    kind   SMALLINT NOT NULL,                 -- also store.TrendStatus
    item   BIGINT NOT NULL,                   -- also statuses.id
    score  BIGINT NOT NULL,                   -- in thousandths, decayed
    peak   BIGINT NOT NULL,                   -- the highest score, not decayed
    peaked BIGINT NOT NULL,                   -- when, in ms
    shown  BOOLEAN NOT NULL,                  -- to everybody: not rejected, and approved where that is needed
    PRIMARY KEY (kind, item)
) /* clustered */;
CREATE INDEX trends_rank ON trends (kind, score, item);

-- What moderators said. The name is that of a tag, the address of a link, the host
-- of a publisher, the id of a post or of an account.
CREATE TABLE trend_reviews (
    kind    SMALLINT NOT NULL,
    name    TEXT COLLATE "C" NOT NULL,
    allowed BOOLEAN NOT NULL,
    at      BIGINT NOT NULL,
    PRIMARY KEY (kind, name)
) /* clustered */;
