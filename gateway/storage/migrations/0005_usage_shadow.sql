-- Requests that passed, and that the shadow of their route would have refused. They are among those of usage_hourly too.

CREATE TABLE usage_shadow (
    token_id text NOT NULL REFERENCES tokens (id),
    hour timestamptz NOT NULL,
    route text NOT NULL,
    code text NOT NULL,
    count bigint NOT NULL CHECK (count > 0),
    PRIMARY KEY (token_id, hour, route, code)
);
CREATE INDEX usage_shadow_age ON usage_shadow (hour);
