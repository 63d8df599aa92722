-- Operators in the browser: a session that was begun with an admin key lives no longer than its key. And which version
-- a node runs, so that an upgrade that is half done can be seen.

CREATE TABLE operator_sessions (
    id_hash bytea PRIMARY KEY CHECK (octet_length(id_hash) = 32),
    admin_key_id text NOT NULL REFERENCES admin_keys (id),
    address text,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    CHECK (expires_at > created_at)
);
CREATE INDEX operator_sessions_expiry ON operator_sessions (expires_at);

-- Null: the node is of a version that did not say.
ALTER TABLE nodes ADD COLUMN version text;
