-- Preview cards. cards is operational, a copy of what other sites say about their
-- pages, fetched anew when it is gone; status_links is a projection: the link of a
-- post that a card is shown for.
--
-- Expected size: 1 kB per distinct link; 30 bytes per post with one. Locks: none, new.
-- Backfill: none, older posts have no cards.
CREATE TABLE cards (
    id      BIGINT PRIMARY KEY,               -- store.LinkID of the address
    fetched BIGINT NOT NULL,                  -- ms of the last try
    doc     TEXT NOT NULL                     -- store.Card as JSON; '' when the page has none
);
CREATE TABLE status_links (
    status BIGINT PRIMARY KEY,
    link   BIGINT NOT NULL,                   -- store.LinkID
    url    TEXT NOT NULL
);
CREATE INDEX status_links_link ON status_links (link, status);
