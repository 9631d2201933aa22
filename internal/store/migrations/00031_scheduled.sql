-- Posts that are to be published later. Class: private state.
--
-- Expected size: at most limits.scheduled_statuses rows per account, 1 kB each. Their
-- files are marked with the row's id in media.status until the post takes them.
-- Locks: none, the table is new.
CREATE TABLE scheduled_statuses (
    id     BIGINT PRIMARY KEY,
    actor  BIGINT NOT NULL,             -- whose
    run_at BIGINT NOT NULL,             -- ms
    params TEXT NOT NULL                -- what was asked for, as JSON of the door
);
CREATE INDEX scheduled_statuses_actor ON scheduled_statuses (actor, id);
CREATE INDEX scheduled_statuses_day ON scheduled_statuses (actor, run_at);
