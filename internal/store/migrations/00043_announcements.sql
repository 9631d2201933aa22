-- What the staff announces to everybody here. Class: private state.
--
-- Expected size: some rows; a row per reader who dismissed or reacted. Locks: none, new.
CREATE TABLE announcements (
    id        BIGINT PRIMARY KEY,
    text      TEXT NOT NULL,                  -- as typed, Markdown
    starts    BIGINT NOT NULL,                -- of what is announced, ms; 0 none
    ends      BIGINT NOT NULL,                -- 0 none; the announcement goes then
    all_day   BOOLEAN NOT NULL,
    scheduled BIGINT NOT NULL,                -- when it is to be published; 0 at once
    published BIGINT NOT NULL,                -- 0 not yet
    updated   BIGINT NOT NULL
);
CREATE TABLE announcement_reads (
    actor        BIGINT NOT NULL,
    announcement BIGINT NOT NULL,
    PRIMARY KEY (actor, announcement)
) /* clustered */;
CREATE TABLE announcement_reactions (
    announcement BIGINT NOT NULL,
    name         TEXT COLLATE "C" NOT NULL,   -- an emoji, or the shortcode of one of ours
    actor        BIGINT NOT NULL,
    id           BIGINT NOT NULL,             -- in the order of which they came
    PRIMARY KEY (announcement, name, actor)
) /* clustered */;
