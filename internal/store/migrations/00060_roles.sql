-- Roles that the admins made, beside the built-in ones. Class: private state.
--
-- Expected size: a handful of rows. Locks: none, the table is new; the index reads
-- accounts once. accounts.role holds a built-in name or the id of a row here.
CREATE TABLE roles (
    id          BIGINT PRIMARY KEY,
    name        TEXT COLLATE "C" NOT NULL,
    color       TEXT NOT NULL,                -- #rrggbb, '' none
    permissions BIGINT NOT NULL,              -- store.Permission bits
    position    BIGINT NOT NULL,              -- who stands above whom; moderator 10, admin 100, owner 1000
    highlighted BOOLEAN NOT NULL              -- shown on profiles
);
CREATE UNIQUE INDEX roles_name ON roles (name);
CREATE INDEX accounts_role ON accounts (role, actor) WHERE role <> '';
