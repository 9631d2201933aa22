-- Private state: which tags bring posts home.
--
-- Expected size: some rows per local account. Locks: none, new.
CREATE TABLE tag_follows (
    tag   BIGINT NOT NULL,                    -- tags.id
    owner BIGINT NOT NULL,
    id    BIGINT NOT NULL,                    -- for paging
    PRIMARY KEY (tag, owner)
) /* clustered */;
CREATE INDEX tag_follows_owner ON tag_follows (owner, id);
