-- Projection: posts that were removed from a group by its moderators, so that the
-- group's announces of them make no boost (FEP-1b12).
--
-- Expected size: some rows of 40 bytes per followed group and month. Locks: none, new.
CREATE TABLE group_removals (
    grp    BIGINT NOT NULL,                 -- actors.id
    cause  BIGINT NOT NULL,                 -- hash of the id of the moderator's Delete
    status BIGINT NOT NULL,                 -- objects.id; 0 while only its end is known
    lifted BOOLEAN NOT NULL,                -- the moderator has taken it back, for good
    PRIMARY KEY (grp, cause)
);
CREATE INDEX group_removals_status ON group_removals (status, grp);
