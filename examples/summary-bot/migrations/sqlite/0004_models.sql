-- What language models did and cost, a row for each summary that they were asked for. Days are those of UTC, costs are
-- millionths of a dollar. Nothing here says who asked, or what was said.
CREATE TABLE model_usage (
    id            TEXT PRIMARY KEY NOT NULL,
    at_ms         INTEGER NOT NULL,
    day           TEXT NOT NULL,
    guild_id      TEXT,
    model         TEXT NOT NULL,
    outcome       TEXT NOT NULL,
    requests      INTEGER NOT NULL,
    input_tokens  INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    cost          INTEGER NOT NULL
);
CREATE INDEX model_usage_by_guild ON model_usage (guild_id, day);
CREATE INDEX model_usage_by_day ON model_usage (day);
-- What was spent on a day, by everybody (`all`) and by each server. The row is locked while money is set aside.
CREATE TABLE model_budgets (
    scope TEXT NOT NULL,
    day   TEXT NOT NULL,
    spent INTEGER NOT NULL,
    PRIMARY KEY (scope, day)
);
-- Money that is set aside for answers that are under way. What a process leaves here that died expires.
CREATE TABLE model_reservations (
    id         TEXT NOT NULL,
    scope      TEXT NOT NULL,
    day        TEXT NOT NULL,
    amount     INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    PRIMARY KEY (id, scope)
);
CREATE INDEX model_reservations_by_scope ON model_reservations (scope, day);
-- What models wrote, by a hash of what they were asked, so that nothing is paid twice.
CREATE TABLE model_answers (
    key        TEXT PRIMARY KEY NOT NULL,
    created_ms INTEGER NOT NULL,
    guild_id   TEXT,
    answer     TEXT NOT NULL
);
CREATE INDEX model_answers_by_age ON model_answers (created_ms);
