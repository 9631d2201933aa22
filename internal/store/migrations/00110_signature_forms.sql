-- Which form of HTTP signature a host takes, where it is not the one that is tried
-- first. Class: operational, learned anew when lost.
--
-- Expected size: a row per host that wants RFC 9421 alone, some hundreds. Locks: none, new.
CREATE TABLE signature_forms (
    host    TEXT COLLATE "C" PRIMARY KEY,
    form    SMALLINT NOT NULL,                -- remote.Form
    learned BIGINT NOT NULL
);
CREATE INDEX signature_forms_learned ON signature_forms (learned);
