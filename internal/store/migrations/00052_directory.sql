-- Projection: accounts that want to be discovered, for the directory and suggestions.
--
-- Expected size: 100 bytes per such account. Locks: none, new. Backfill: here, some
-- seconds per million of accounts.
CREATE TABLE directory (
    actor  BIGINT PRIMARY KEY,
    local  BOOLEAN NOT NULL,
    active BIGINT NOT NULL                    -- hour of the newest status (ms), 0 never
);
CREATE INDEX directory_local ON directory (local, actor);
CREATE INDEX directory_active ON directory (active, actor);
CREATE INDEX directory_local_active ON directory (local, active, actor);
INSERT INTO directory SELECT p.actor, a.local, COALESCE(n.last_status, 0) / 3600000 * 3600000 FROM profiles p
    JOIN actors a ON a.id = p.actor LEFT JOIN actor_counts n ON n.actor = p.actor WHERE p.discoverable AND p.moved_to = '' AND a.deleted = 0;
