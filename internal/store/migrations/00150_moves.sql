-- Private state: where accounts of ours moved, and the way from an account to those
-- who mute it or have a note about it, whose choices go along when it moves.
--
-- Expected size: a row per move; 16 bytes per mute and note. Locks: mutes and notes,
-- while the indexes are built, about a second per million rows. Backfill: none.

CREATE TABLE account_moves (
    id        BIGINT PRIMARY KEY,             -- when, as all ids
    actor     BIGINT NOT NULL,                -- accounts.actor
    target    TEXT NOT NULL,                  -- id of the new account on the wire
    followers BOOLEAN NOT NULL                -- they were asked to come along; false: a mere redirect
);
CREATE INDEX account_moves_actor ON account_moves (actor, id);
CREATE INDEX mutes_target ON mutes (target, actor);
CREATE INDEX notes_target ON notes (target, actor);
