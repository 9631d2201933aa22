-- Private state: local accounts that nobody used for a month. Nothing is written into
-- their homes; they are filled again when somebody comes back.
--
-- Expected size: a row per such account. Locks: none, new.
CREATE TABLE away (
    owner BIGINT NOT NULL,
    PRIMARY KEY (owner)
) /* clustered */;
