-- What moderators write about accounts and reports, for each other. Class: private state.
--
-- Expected size: some hundred bytes per note. Locks: none, new.
CREATE TABLE moderation_notes (
    id      BIGINT PRIMARY KEY,               -- tells when
    kind    TEXT COLLATE "C" NOT NULL,        -- account, report
    target  BIGINT NOT NULL,                  -- its id
    author  BIGINT NOT NULL,
    content TEXT NOT NULL
);
CREATE INDEX moderation_notes_target ON moderation_notes (kind, target, id);
