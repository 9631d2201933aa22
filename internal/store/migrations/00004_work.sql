-- Work to be done and what is known of the hosts it goes to. Operational:
-- neither log nor projection.
--
-- Expected size: jobs are deleted when done; one delivery row of 60 bytes per
-- (activity, inbox), dropped 30 days after the last try.

CREATE TABLE jobs (
    id      BIGINT PRIMARY KEY,
    kind    TEXT NOT NULL,
    part    TEXT COLLATE "C" NOT NULL,        -- fairness: the host it goes to, or ''
    lane    BIGINT NOT NULL,                  -- jobs of a part and lane run one at a time, by id; 0: no lane
    run_at  BIGINT NOT NULL,                  -- also the end of the lease while it runs
    running BOOLEAN NOT NULL,                 -- leased; stale once run_at has passed
    again   BIGINT NOT NULL,                  -- asked for while it ran: when to run once more; 0 no
    attempt BIGINT NOT NULL,                  -- runs begun
    uniq    TEXT COLLATE "C" NOT NULL,        -- '' or: one such job at a time
    payload TEXT NOT NULL,
    error   TEXT NOT NULL
);
CREATE INDEX jobs_ready ON jobs (part, run_at, id);
CREATE INDEX jobs_lane ON jobs (part, lane, id) WHERE lane <> 0;
CREATE UNIQUE INDEX jobs_uniq ON jobs (uniq) WHERE uniq <> '';

-- One row per part other than '' that has jobs: who may be served next.
CREATE TABLE job_parts (
    part     TEXT COLLATE "C" PRIMARY KEY,
    ready_at BIGINT NOT NULL,                 -- when its next job is due, but not before held
    held     BIGINT NOT NULL,                 -- end of the lease or of the back-off
    holder   BIGINT NOT NULL,                 -- who leases it, 0 nobody
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

-- Where activities are sent to.
CREATE TABLE inboxes (
    id   BIGINT PRIMARY KEY,
    url  TEXT COLLATE "C" NOT NULL,
    host TEXT COLLATE "C" NOT NULL,           -- authority of url, in lower case
    gone BIGINT NOT NULL                      -- when it answered 410; 0 alive
);
CREATE UNIQUE INDEX inboxes_url ON inboxes (url);
CREATE INDEX inboxes_host ON inboxes (host, id);

-- Every inbox that was ever tried for anything by one of our actors, kept as long
-- as the actor: its Update and Delete go there, and the Delete of an old post.
CREATE TABLE reached (
    actor BIGINT NOT NULL,
    inbox BIGINT NOT NULL,
    PRIMARY KEY (actor, inbox)
) /* clustered */;

CREATE TABLE deliveries (
    activity BIGINT NOT NULL,                 -- activities.seq
    inbox    BIGINT NOT NULL,
    object   BIGINT NOT NULL,                 -- what it is about: later Update and Delete go to the same inboxes
    state    SMALLINT NOT NULL,               -- store.DeliveryState
    attempts BIGINT NOT NULL,
    status   BIGINT NOT NULL,                 -- last HTTP status, 0 when none came
    error    TEXT NOT NULL,
    at       BIGINT NOT NULL,                 -- of the last try
    PRIMARY KEY (activity, inbox)
) /* clustered */;
CREATE INDEX deliveries_object ON deliveries (object, inbox);
CREATE INDEX deliveries_parked ON deliveries (inbox, activity) WHERE state = 3; -- store.Parked

-- Signed requests whose key is not known yet, as they came.
CREATE TABLE arrivals (
    id       BIGINT PRIMARY KEY,
    host     TEXT COLLATE "C" NOT NULL,       -- of the key
    arrived  BIGINT NOT NULL,
    request  TEXT NOT NULL,                   -- method, path and the signed headers as JSON
    body     TEXT NOT NULL
);
CREATE INDEX arrivals_host ON arrivals (host);
