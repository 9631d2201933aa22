-- What a notification is about beside a status, and whose notifications an account
-- wants to see. Class: the column belongs to a projection; the tables are private
-- state, so that a rebuild does not decide again what was decided on arrival.
--
-- Expected size: one number per notification; a row per account that changed its
-- policy; 40 bytes per notification that was filtered, until it is let through or
-- dismissed. Locks: notifications, for a moment; its default is constant.
ALTER TABLE notifications ADD COLUMN ref BIGINT NOT NULL DEFAULT 0; -- of a collection or report year; 0 none

-- What becomes of notifications by kinds of people: store.FilterAction. No row
-- means store.DefaultPolicy.
CREATE TABLE notification_policies (
    owner            BIGINT PRIMARY KEY,
    not_following    SMALLINT NOT NULL,
    not_followers    SMALLINT NOT NULL,
    new_accounts     SMALLINT NOT NULL,
    private_mentions SMALLINT NOT NULL,
    limited_accounts SMALLINT NOT NULL
);

-- Who is heard of whatever the policy says.
CREATE TABLE notification_permissions (
    owner BIGINT NOT NULL,
    actor BIGINT NOT NULL,
    PRIMARY KEY (owner, actor)
) /* clustered */;

-- What the policy keeps from the list.
CREATE TABLE filtered_notifications (
    owner        BIGINT NOT NULL,
    notification BIGINT NOT NULL,             -- notifications.id
    actor        BIGINT NOT NULL,             -- who caused it
    PRIMARY KEY (owner, notification)
) /* clustered */;
CREATE INDEX filtered_notifications_actor ON filtered_notifications (owner, actor, notification);

-- Whose notifications were filtered, to be answered by the owner.
CREATE TABLE notification_requests (
    owner   BIGINT NOT NULL,
    actor   BIGINT NOT NULL,
    id      BIGINT NOT NULL,                  -- for paging; tells when the first came
    status  BIGINT NOT NULL,                  -- of the newest, 0 when about none
    updated BIGINT NOT NULL,                  -- ms, of the newest
    PRIMARY KEY (owner, actor)
) /* clustered */;
CREATE UNIQUE INDEX notification_requests_id ON notification_requests (owner, id);
