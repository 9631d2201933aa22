-- Private state: which apps are still in use, for sweeping those that are not.
--
-- Expected size: a row per token of an app. Locks: writes to tokens, a few ms per
-- 10,000 tokens. Backfill: none.
CREATE INDEX tokens_app ON tokens (app) WHERE app <> 0;
