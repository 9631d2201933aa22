-- Private state: collections of accounts that somebody recommends.
--
-- Expected size: at most some collections of 200 bytes and 25 rows of 60 bytes each
-- per local account. Locks: none, new.
CREATE TABLE collections (
    id           BIGINT PRIMARY KEY,
    owner        BIGINT NOT NULL,
    name         TEXT NOT NULL,
    description  TEXT NOT NULL,               -- plain text
    language     TEXT NOT NULL,
    tag          TEXT NOT NULL,               -- as written, without #; '' none
    sensitive    BOOLEAN NOT NULL,
    discoverable BOOLEAN NOT NULL,
    updated      BIGINT NOT NULL
);
CREATE INDEX collections_owner ON collections (owner, id);
CREATE TABLE collection_items (
    id         BIGINT PRIMARY KEY,
    collection BIGINT NOT NULL,
    target     BIGINT NOT NULL,
    revoked    BOOLEAN NOT NULL               -- by the target, who is not shown or added again
);
CREATE UNIQUE INDEX collection_items_collection ON collection_items (collection, target);
CREATE INDEX collection_items_target ON collection_items (target, collection);
