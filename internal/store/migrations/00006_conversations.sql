-- Private state: how far somebody has read a conversation of direct messages, and
-- up to where it was put away. What is in a conversation comes from statuses.
--
-- Expected size: a row per conversation that was read. Locks: none, new.
CREATE TABLE conversation_reads (
    owner        BIGINT NOT NULL,
    conversation BIGINT NOT NULL,
    seen         BIGINT NOT NULL,             -- statuses.id of the last message read
    hidden       BIGINT NOT NULL,             -- shown again when there is a later message
    PRIMARY KEY (owner, conversation)
) /* clustered */;
