-- Projections: a pure function of the log in the order of seq and of private
-- state. `kenoma db rebuild` empties and refills exactly these tables; they are
-- listed in store.Projections. They refer by id; only the log holds URIs.
--
-- Expected size: 250 bytes per post and its content; see docs/performance.md.

-- Posts and boosts, narrow, for every timeline.
CREATE TABLE statuses (
    id           BIGINT PRIMARY KEY,          -- objects.id, or the boost's own
    seq          BIGINT NOT NULL,
    actor        BIGINT NOT NULL,
    boost_of     BIGINT NOT NULL,             -- statuses.id, 0 for a post
    reply_to     BIGINT NOT NULL,             -- statuses.id, 0 when none or not (yet) known
    reply_actor  BIGINT NOT NULL,             -- author of reply_to
    is_reply     BOOLEAN NOT NULL,            -- also when reply_to is not known
    conversation BIGINT NOT NULL,             -- id of the first known post of the thread
    visibility   SMALLINT NOT NULL,
    local_only   BOOLEAN NOT NULL,
    local        BOOLEAN NOT NULL,
    media        SMALLINT NOT NULL,           -- number of attachments
    edited       BIGINT NOT NULL,             -- 0 when never
    language     TEXT NOT NULL
);
CREATE INDEX statuses_actor ON statuses (actor, id);
CREATE INDEX statuses_actor_media ON statuses (actor, id) WHERE media > 0;
CREATE INDEX statuses_public ON statuses (id) WHERE visibility = 0 AND boost_of = 0 AND NOT local_only AND NOT is_reply;
CREATE INDEX statuses_public_local ON statuses (id) WHERE visibility = 0 AND boost_of = 0 AND local AND NOT is_reply;
CREATE INDEX statuses_replies ON statuses (reply_to, id) WHERE reply_to <> 0;
CREATE INDEX statuses_boosts ON statuses (boost_of, actor) WHERE boost_of <> 0;
CREATE INDEX statuses_conversation ON statuses (conversation, id) WHERE conversation <> id AND boost_of = 0;

-- The rendered part of a post: store.Content as JSON. Boosts have none.
CREATE TABLE contents (
    status BIGINT PRIMARY KEY,
    doc    TEXT NOT NULL
);

-- Counts, hot; no row means all zero.
CREATE TABLE counts (
    status     BIGINT PRIMARY KEY,
    replies    BIGINT NOT NULL DEFAULT 0,
    boosts     BIGINT NOT NULL DEFAULT 0,
    favourites BIGINT NOT NULL DEFAULT 0
);

-- The rendered part of an actor: store.Profile as JSON, and what is asked for.
CREATE TABLE profiles (
    actor        BIGINT PRIMARY KEY,
    locked       BOOLEAN NOT NULL,
    discoverable BOOLEAN NOT NULL,
    moved_to     TEXT NOT NULL,
    doc          TEXT NOT NULL
);

-- Counts of an actor; no row means all zero.
CREATE TABLE actor_counts (
    actor       BIGINT PRIMARY KEY,
    statuses    BIGINT NOT NULL DEFAULT 0,
    followers   BIGINT NOT NULL DEFAULT 0,
    following   BIGINT NOT NULL DEFAULT 0,
    last_status BIGINT NOT NULL DEFAULT 0     -- ms of the newest status
);

CREATE TABLE tags (
    id      BIGINT PRIMARY KEY,
    name    TEXT COLLATE "C" NOT NULL,        -- folded
    display TEXT NOT NULL                     -- as first written
);
CREATE UNIQUE INDEX tags_name ON tags (name);
CREATE TABLE status_tags (
    tag    BIGINT NOT NULL,
    status BIGINT NOT NULL,
    PRIMARY KEY (tag, status)
) /* clustered */;
CREATE INDEX status_tags_status ON status_tags (status);

-- Who is addressed by name: mentions, and others in to or cc (silent).
CREATE TABLE mentions (
    status BIGINT NOT NULL,
    actor  BIGINT NOT NULL,
    silent BOOLEAN NOT NULL,
    PRIMARY KEY (status, actor)
) /* clustered */;
CREATE INDEX mentions_actor ON mentions (actor, status);

CREATE TABLE polls (
    status   BIGINT PRIMARY KEY,
    multiple BOOLEAN NOT NULL,
    ends     BIGINT NOT NULL,                 -- 0 when open-ended
    closed   BIGINT NOT NULL,                 -- when it was closed, 0 while open
    voters   BIGINT NOT NULL                  -- −1 when unknown
);
CREATE TABLE poll_options (
    status BIGINT NOT NULL,
    idx    SMALLINT NOT NULL,
    title  TEXT NOT NULL,
    votes  BIGINT NOT NULL,
    PRIMARY KEY (status, idx)
) /* clustered */;
CREATE TABLE poll_votes (
    status BIGINT NOT NULL,
    actor  BIGINT NOT NULL,
    idx    SMALLINT NOT NULL,
    seq    BIGINT NOT NULL,
    PRIMARY KEY (status, actor, idx)
) /* clustered */;

-- The newest live Like of each actor.
CREATE TABLE favourites (
    status BIGINT NOT NULL,
    actor  BIGINT NOT NULL,
    seq    BIGINT NOT NULL,
    PRIMARY KEY (status, actor)
) /* clustered */;
CREATE INDEX favourites_actor ON favourites (actor, seq);

CREATE TABLE follows (
    actor    BIGINT NOT NULL,                 -- who follows
    target   BIGINT NOT NULL,                 -- whom
    seq      BIGINT NOT NULL,                 -- the Follow
    accepted BOOLEAN NOT NULL,                -- false: a request
    local    BOOLEAN NOT NULL,                -- the follower is ours
    PRIMARY KEY (actor, target)
) /* clustered */;
CREATE INDEX follows_target ON follows (target, accepted, local, actor);
CREATE INDEX follows_target_seq ON follows (target, accepted, seq);
CREATE INDEX follows_actor_seq ON follows (actor, accepted, seq);

CREATE TABLE blocks (
    actor  BIGINT NOT NULL,
    target BIGINT NOT NULL,
    seq    BIGINT NOT NULL,
    PRIMARY KEY (actor, target)
) /* clustered */;
CREATE INDEX blocks_target ON blocks (target);

CREATE TABLE pins (
    actor  BIGINT NOT NULL,
    status BIGINT NOT NULL,
    seq    BIGINT NOT NULL,
    PRIMARY KEY (actor, status)
) /* clustered */;

CREATE TABLE notifications (
    owner  BIGINT NOT NULL,
    id     BIGINT NOT NULL,                   -- seq of the activity that caused it
    kind   SMALLINT NOT NULL,                 -- store.NotificationKinds
    actor  BIGINT NOT NULL,
    status BIGINT NOT NULL,                   -- 0 when about no status
    PRIMARY KEY (owner, id)
) /* clustered */;
CREATE INDEX notifications_status ON notifications (status) WHERE status <> 0;
CREATE INDEX notifications_actor ON notifications (actor);

-- What is in a reader's home, or in a list: owner is accounts.actor or lists.id.
CREATE TABLE home (
    owner  BIGINT NOT NULL,
    status BIGINT NOT NULL,
    actor  BIGINT NOT NULL,                   -- whose status
    post   BIGINT NOT NULL,                   -- boost_of, or status
    PRIMARY KEY (owner, status)
) /* clustered */;

-- What waits for a document that has not come yet: an activity (ref is its seq)
-- or a reply (ref is its status id).
CREATE TABLE waits (
    uri  TEXT COLLATE "C" NOT NULL,
    ref  BIGINT NOT NULL,
    kind SMALLINT NOT NULL,                   -- store.WaitActivity, store.WaitReply
    PRIMARY KEY (uri, ref)
) /* clustered */;
