-- When a job's id was last published to whatever spreads work beside this table; 0 for never.
ALTER TABLE jobs ADD COLUMN published_at INTEGER NOT NULL DEFAULT 0;
