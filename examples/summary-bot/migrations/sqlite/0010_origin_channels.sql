-- All channels of which a summary holds something, as a JSON array of ids; NULL where `channel_id` says it all. A person
-- reads the summary who can read each of them.
ALTER TABLE summaries ADD COLUMN channels TEXT;
