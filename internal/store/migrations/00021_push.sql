-- Where messages about notifications go: one subscription per access token. Class:
-- private state.
--
-- Expected size: 500 bytes per app in use. Locks: none, new. The token itself is
-- kept here, as apps find out by it whose message they got; it is good for nothing
-- once its row in tokens is gone, and so is the subscription.
CREATE TABLE push_subscriptions (
    id       BIGINT PRIMARY KEY,              -- below 2^31: apps read it as a small number
    token    BIGINT NOT NULL,                 -- tokens.id
    actor    BIGINT NOT NULL,
    bearer   TEXT NOT NULL,                   -- the token
    endpoint TEXT NOT NULL,
    host     TEXT COLLATE "C" NOT NULL,       -- of endpoint
    p256dh   TEXT NOT NULL,                   -- as given
    auth     TEXT NOT NULL,
    standard BOOLEAN NOT NULL,                -- RFC 8291, otherwise aesgcm
    policy   TEXT NOT NULL,                   -- all, followed, follower, none
    alerts   TEXT NOT NULL                    -- names of kinds, comma-separated
);
CREATE UNIQUE INDEX push_subscriptions_token ON push_subscriptions (token);
CREATE INDEX push_subscriptions_actor ON push_subscriptions (actor);
