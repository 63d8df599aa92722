-- The route maps that were taken into use, the newest twenty, and which of them each node serves.

CREATE TABLE maps (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- SHA-256 of the file, in hex. The same map can be published again later: then it has two rows.
    version text NOT NULL CHECK (version ~ '^[0-9a-f]{64}$'),
    text text NOT NULL,
    published_at timestamptz NOT NULL DEFAULT now(),
    actor jsonb NOT NULL,
    -- The first node that took it into use, and the file it read.
    node text NOT NULL,
    source text NOT NULL,
    note text NOT NULL DEFAULT '',
    -- Null: what was kept could not be read as a map.
    routes bigint,
    services bigint,
    scopes bigint,
    upstreams bigint
);

-- Empty: not told yet.
ALTER TABLE nodes ADD COLUMN map_version text NOT NULL DEFAULT '';
