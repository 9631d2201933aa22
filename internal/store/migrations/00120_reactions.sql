-- Reactions with emoji. Class: projections, of EmojiReact and of Like with content.
--
-- Expected size: 100 bytes per reaction, twice that with its index; a row per post
-- and emoji; a column of small integers more in counts. Locks: none for the new
-- tables; adding the column rewrites nothing. Backfill: reactions from before had no
-- effect and stay without.

CREATE TABLE reactions (
    actor  BIGINT NOT NULL,
    status BIGINT NOT NULL,                   -- statuses.id
    name   TEXT COLLATE "C" NOT NULL,         -- the emoji; a shortcode of ours; a shortcode@host
    seq    BIGINT NOT NULL,                   -- the oldest live activity that says so
    url    TEXT NOT NULL,                     -- picture of a custom emoji, '' for others
    PRIMARY KEY (actor, status, name)
) /* clustered */;
CREATE INDEX reactions_status ON reactions (status, name, seq, actor);

-- How often each emoji stands under a post, hot; no row means never.
CREATE TABLE reaction_counts (
    status BIGINT NOT NULL,
    name   TEXT COLLATE "C" NOT NULL,
    first  BIGINT NOT NULL,                   -- seq of its oldest reaction: the order in which they are shown
    n      BIGINT NOT NULL,
    url    TEXT NOT NULL,
    PRIMARY KEY (status, name)
) /* clustered */;
CREATE INDEX reaction_counts_first ON reaction_counts (status, first, name);

ALTER TABLE counts ADD COLUMN reactions BIGINT NOT NULL DEFAULT 0;
