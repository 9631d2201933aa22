-- Work to be done and what is known of the hosts it goes to. Operational:
-- neither log nor projection.
--
-- Expected size: jobs are deleted when done; one delivery row of 60 bytes per
-- (activity, inbox), dropped 30 days after the last try.

CREATE TABLE jobs (
    id      BIGINT PRIMARY KEY,
    kind    TEXT NOT NULL,
    part    TEXT COLLATE "C" NOT NULL,        -- fairness: the host it goes to, or ''
    run_at  BIGINT NOT NULL,                  -- also the end of the lease while it runs
    attempt BIGINT NOT NULL,
    uniq    TEXT COLLATE "C" NOT NULL,        -- '' or: one such job at a time
    payload TEXT NOT NULL,
    error   TEXT NOT NULL
);
CREATE INDEX jobs_ready ON jobs (part, run_at, id);
CREATE UNIQUE INDEX jobs_uniq ON jobs (uniq) WHERE uniq <> '';

-- One row per part that has jobs: who may be served next.
CREATE TABLE job_parts (
    part     TEXT COLLATE "C" PRIMARY KEY,
    ready_at BIGINT NOT NULL,                 -- not before
    fails    BIGINT NOT NULL                  -- failures in a row of the whole part
);
CREATE INDEX job_parts_ready ON job_parts (ready_at);

-- Jobs that were given up, for the admin.
CREATE TABLE dead_jobs (
    id      BIGINT PRIMARY KEY,
    kind    TEXT NOT NULL,
    part    TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    payload TEXT NOT NULL,
    error   TEXT NOT NULL,
    given_up BIGINT NOT NULL
);

-- Peers: health of delivery and what they are known to accept.
CREATE TABLE hosts (
    host        TEXT COLLATE "C" PRIMARY KEY,
    first_seen  BIGINT NOT NULL,
    last_ok     BIGINT NOT NULL,
    failing     BIGINT NOT NULL,              -- since when every delivery fails; 0 healthy
    software    TEXT NOT NULL
);

CREATE TABLE inboxes (
    id   BIGINT PRIMARY KEY,
    url  TEXT COLLATE "C" NOT NULL,
    host TEXT NOT NULL
);
CREATE UNIQUE INDEX inboxes_url ON inboxes (url);

CREATE TABLE deliveries (
    activity BIGINT NOT NULL,                 -- activities.seq
    inbox    BIGINT NOT NULL,
    object   BIGINT NOT NULL,                 -- what it is about: later Update and Delete go to the same inboxes
    state    SMALLINT NOT NULL,               -- store.DeliveryWaiting and its siblings
    attempts BIGINT NOT NULL,
    status   BIGINT NOT NULL,                 -- last HTTP status, 0 when none came
    error    TEXT NOT NULL,
    at       BIGINT NOT NULL,                 -- of the last try
    PRIMARY KEY (activity, inbox)
) /* clustered */;
CREATE INDEX deliveries_object ON deliveries (object, inbox);

-- Signed requests whose key is not known yet, as they came.
CREATE TABLE arrivals (
    id       BIGINT PRIMARY KEY,
    host     TEXT COLLATE "C" NOT NULL,       -- of the key
    arrived  BIGINT NOT NULL,
    request  TEXT NOT NULL,                   -- method, path and the signed headers as JSON
    body     TEXT NOT NULL
);
CREATE INDEX arrivals_host ON arrivals (host);
