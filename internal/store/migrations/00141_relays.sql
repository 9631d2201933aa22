-- Relays: whom we follow, and who follows ours. Class: private state, beside two
-- bounded tables of work.
--
-- Expected size: a row per relay and member; at most federation.relay_queue rows for
-- each relay in relay_queue; 20,000 rows in relayed. Locks: none, new.
CREATE TABLE relays (
    id            BIGINT PRIMARY KEY,
    inbox         TEXT COLLATE "C" NOT NULL,
    actor         TEXT COLLATE "C" NOT NULL,  -- '' until it answered
    host          TEXT COLLATE "C" NOT NULL,  -- of inbox
    litepub       BOOLEAN NOT NULL,           -- followed as an actor; else by following Public
    wanted        BOOLEAN NOT NULL,           -- the admin subscribed: what it brings is taken in
    state         SMALLINT NOT NULL,          -- of our Follow: store.RelayState
    follow        TEXT COLLATE "C" NOT NULL,  -- id of our Follow
    member        SMALLINT NOT NULL,          -- of its Follow: store.RelayState
    member_follow TEXT COLLATE "C" NOT NULL,  -- id of its Follow
    brought       BIGINT NOT NULL,            -- posts that it named and were new
    dropped       BIGINT NOT NULL             -- of them, those that were over the bound
);
CREATE UNIQUE INDEX relays_inbox ON relays (inbox);
CREATE INDEX relays_actor ON relays (actor) WHERE actor <> '';
CREATE INDEX relays_host ON relays (host);
CREATE INDEX relays_member ON relays (id) WHERE member = 2;

-- Posts that a relay named and that are still to be fetched.
CREATE TABLE relay_queue (
    uri   TEXT COLLATE "C" PRIMARY KEY,
    relay BIGINT NOT NULL,
    id    BIGINT NOT NULL                     -- in the order of arrival
);
CREATE INDEX relay_queue_order ON relay_queue (relay, id);

-- Posts that our relay announced, so that none is announced twice.
CREATE TABLE relayed (
    object TEXT COLLATE "C" PRIMARY KEY,
    id     BIGINT NOT NULL,                   -- the number in the Announce's id
    source BIGINT NOT NULL                    -- relays.id of who brought it; 0 it is our own
);
CREATE UNIQUE INDEX relayed_id ON relayed (id);
