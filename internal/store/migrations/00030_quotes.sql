-- Posts that quote others, and what permits them. Class: projections.
--
-- Expected size: 60 bytes per quoting post; a column of small integers more in
-- counts. Locks: none for the new tables; adding the column rewrites nothing.
-- Backfill: posts from before show their quotes after a rebuild.

-- What became of the quote in a post. That the quoted post was deleted is seen by
-- its missing row in statuses.
CREATE TABLE quotes (
    status BIGINT PRIMARY KEY,          -- statuses.id of the quoting post
    actor  BIGINT NOT NULL,             -- its author
    quoted BIGINT NOT NULL,             -- objects.id, 0 while not known
    state  SMALLINT NOT NULL            -- store.QuoteStates
);
CREATE INDEX quotes_quoted ON quotes (quoted, status) WHERE quoted <> 0;

-- The permissions (QuoteAuthorization) that are known for a quote.
CREATE TABLE quote_stamps (
    status BIGINT NOT NULL,             -- statuses.id of the quoting post
    stamp  BIGINT NOT NULL,             -- objects.id
    PRIMARY KEY (status, stamp)
) /* clustered */;
CREATE INDEX quote_stamps_stamp ON quote_stamps (stamp);

ALTER TABLE counts ADD COLUMN quotes BIGINT NOT NULL DEFAULT 0;
