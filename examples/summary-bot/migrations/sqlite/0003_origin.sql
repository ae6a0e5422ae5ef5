-- Where a conversation comes from, and who may read its summary. None of it: an upload.
ALTER TABLE summaries ADD COLUMN guild_id TEXT;
ALTER TABLE summaries ADD COLUMN channel_id TEXT;
ALTER TABLE summaries ADD COLUMN requested_by TEXT;
ALTER TABLE summaries ADD COLUMN private BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX summaries_by_channel ON summaries (guild_id, channel_id, id);
CREATE INDEX summaries_by_requester ON summaries (requested_by, id);
