-- The log: what arrived, in the order of seq. Class: log, never dropped by a rebuild.
--
-- Written for PostgreSQL; migrate.go derives SQLite's form (STRICT tables,
-- INTEGER for BIGINT and BOOLEAN, and WITHOUT ROWID where a table is marked
-- clustered). Times are unix milliseconds, 0 means never.
--
-- Expected size: one actor row (about 3 kB) per known account, one object and one
-- activity row per post, their JSON beside at most 300 bytes. Locks: none, new.

-- Who acts: local and remote, with the document as accepted.
CREATE TABLE actors (
    id           BIGINT PRIMARY KEY,          -- the account's id in every API
    seq          BIGINT NOT NULL,             -- arrival
    uri          TEXT COLLATE "C" NOT NULL,
    type         TEXT NOT NULL,
    local        BOOLEAN NOT NULL,
    host         TEXT NOT NULL,               -- authority of uri
    domain       TEXT COLLATE "C" NOT NULL,   -- the handle's domain; '' for local actors
    username     TEXT NOT NULL,
    name_key     TEXT COLLATE "C" NOT NULL,   -- username in lower case
    inbox        TEXT NOT NULL,
    shared_inbox TEXT NOT NULL,
    followers    TEXT COLLATE "C" NOT NULL,
    key_id       TEXT NOT NULL,
    key_pem      TEXT NOT NULL,
    version      BIGINT NOT NULL,             -- when the document was written; the newest wins
    fetched      BIGINT NOT NULL,             -- when it was last fetched or delivered
    deleted      BIGINT NOT NULL DEFAULT 0,   -- its host or its owner deleted it
    doc          TEXT NOT NULL                -- '' when deleted
);
CREATE UNIQUE INDEX actors_uri ON actors (uri);
CREATE UNIQUE INDEX actors_handle ON actors (name_key, domain);
CREATE INDEX actors_key ON actors (key_id);

-- What is made: the newest accepted version of each object, or its tombstone.
CREATE TABLE objects (
    id         BIGINT PRIMARY KEY,            -- time-ordered by published; the status's id
    seq        BIGINT NOT NULL,               -- arrival of the version that stands in doc
    uri        TEXT COLLATE "C" NOT NULL,
    type       TEXT NOT NULL,
    actor      BIGINT NOT NULL,               -- actors.id of the author
    visibility SMALLINT NOT NULL,             -- vocab.Visibility.Level
    local_only BOOLEAN NOT NULL,
    version    BIGINT NOT NULL,               -- updated or published of doc; the newest wins
    deleted    BIGINT NOT NULL DEFAULT 0,
    doc        TEXT NOT NULL                  -- '' when deleted
);
CREATE UNIQUE INDEX objects_uri ON objects (uri);

-- Older versions of objects that were edited; they stay as long as the object.
CREATE TABLE versions (
    object  BIGINT NOT NULL,
    version BIGINT NOT NULL,
    seq     BIGINT NOT NULL,
    doc     TEXT NOT NULL,
    PRIMARY KEY (object, version, seq)
) /* clustered */;

-- What was done. An inline object is cut out of doc and stands in objects or versions.
CREATE TABLE activities (
    seq        BIGINT PRIMARY KEY,
    uri        TEXT COLLATE "C" NOT NULL,
    type       TEXT NOT NULL,
    actor      BIGINT NOT NULL,               -- actors.id
    object     BIGINT NOT NULL,               -- objects.id, actors.id or the seq of the activity it speaks of; 0 while unknown
    origin     TEXT NOT NULL,                 -- host whose key vouched for it, '' for our own, 'fetch:' and the host when we went to get it
    visibility SMALLINT NOT NULL,
    state      SMALLINT NOT NULL,             -- store.Live and its siblings
    verdict    TEXT NOT NULL,                 -- JSON list of what the stages decided, '' when all just passed
    doc        TEXT NOT NULL                  -- '' when compacted
);
CREATE UNIQUE INDEX activities_uri ON activities (uri);
CREATE INDEX activities_actor ON activities (actor, seq);             -- outbox
CREATE INDEX activities_object ON activities (object, type) WHERE type <> 'Create';

-- Arrivals that were refused, newest kept, for inspect. Operational, bounded.
CREATE TABLE refusals (
    seq    BIGINT PRIMARY KEY,
    uri    TEXT COLLATE "C" NOT NULL,
    type   TEXT NOT NULL,
    actor  TEXT NOT NULL,
    origin TEXT NOT NULL,
    stage  TEXT NOT NULL,
    reason TEXT NOT NULL
);
CREATE INDEX refusals_uri ON refusals (uri);
