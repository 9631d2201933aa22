-- Private state: whom and what accounts show on their profiles, which suggestions they
-- put away, and which of the links on profiles were found to link back.
--
-- Expected size: some rows of 30 to 200 bytes per account. Locks: none, new.
CREATE TABLE endorsements (
    actor  BIGINT NOT NULL,
    target BIGINT NOT NULL,
    id     BIGINT NOT NULL,                   -- for paging
    PRIMARY KEY (actor, target)
) /* clustered */;
CREATE INDEX endorsements_page ON endorsements (actor, id);

CREATE TABLE featured_tags (
    id    BIGINT PRIMARY KEY,
    actor BIGINT NOT NULL,
    tag   BIGINT NOT NULL,                    -- tags.id
    name  TEXT NOT NULL,                      -- as the account spells it
    url   TEXT NOT NULL                       -- where a remote account's is shown; '' for ours
);
CREATE UNIQUE INDEX featured_tags_actor ON featured_tags (actor, tag);

CREATE TABLE dismissed_suggestions (
    owner  BIGINT NOT NULL,
    target BIGINT NOT NULL,
    PRIMARY KEY (owner, target)
) /* clustered */;

CREATE TABLE verified_links (
    actor   BIGINT NOT NULL,
    url     TEXT COLLATE "C" NOT NULL,
    found   BIGINT NOT NULL,                  -- when the page first linked back, 0: it doesn't
    checked BIGINT NOT NULL,                  -- when it was last looked at
    PRIMARY KEY (actor, url)
) /* clustered */;
CREATE INDEX verified_links_checked ON verified_links (checked);
