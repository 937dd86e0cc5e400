-- When a job's id was last published to whatever spreads work beside this table; 0 for never. No index has it, so that
-- publishing a job moves nothing but its row.
ALTER TABLE jobs ADD COLUMN published_at bigint NOT NULL DEFAULT 0;
