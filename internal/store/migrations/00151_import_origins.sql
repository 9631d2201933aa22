-- Private state: under which address a post stood that its author brought along from
-- another server, so that nothing is brought twice and answers find what they answer.
--
-- Expected size: 150 bytes per imported post. Locks: none, new. Backfill: none.
CREATE TABLE import_origins (
    uri    TEXT COLLATE "C" NOT NULL,         -- as the archive says; nobody's word but its owner's
    actor  BIGINT NOT NULL,                   -- accounts.actor
    object BIGINT NOT NULL,                   -- objects.id
    PRIMARY KEY (uri, actor)
) /* clustered */;
CREATE INDEX import_origins_actor ON import_origins (actor, object);
