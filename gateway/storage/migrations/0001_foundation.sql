-- Accounts, members, integrations and their tokens; the audit chain; the revision that tells nodes what to forget.
-- Identifiers are text made by the application: a prefix, an underscore, 20 base62 characters.
-- Once released, a migration is never edited: its checksum is recorded and compared.

CREATE TABLE accounts (
    id text PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('agency', 'sub_account')),
    name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
    parent_id text,
    -- Lets a foreign key, not a trigger, say that a parent is an agency.
    parent_kind text GENERATED ALWAYS AS (CASE WHEN parent_id IS NOT NULL THEN 'agency' END) STORED,
    labs_private_integrations boolean NOT NULL DEFAULT true,
    -- Null: the configured default.
    inactivity_expire_after_days bigint CHECK (inactivity_expire_after_days BETWEEN 1 AND 3650),
    rotation_remind_after_days bigint CHECK (rotation_remind_after_days BETWEEN 1 AND 3650),
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (id, kind),
    CONSTRAINT accounts_parent_is_an_agency FOREIGN KEY (parent_id, parent_kind) REFERENCES accounts (id, kind),
    CONSTRAINT accounts_agency_has_no_parent CHECK (kind = 'sub_account' OR parent_id IS NULL)
);
CREATE INDEX accounts_newest ON accounts (created_at, id);
CREATE INDEX accounts_of_parent ON accounts (parent_id, created_at, id) WHERE parent_id IS NOT NULL;

CREATE TABLE members (
    id text PRIMARY KEY,
    account_id text NOT NULL REFERENCES accounts (id),
    email text NOT NULL CHECK (char_length(email) BETWEEN 3 AND 320),
    name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
    role text NOT NULL CHECK (role IN ('admin', 'user')),
    -- Null: what the role allows.
    private_integrations boolean,
    password_hash text,
    created_at timestamptz NOT NULL DEFAULT now()
);
-- Over all accounts: a login gives an address and a password and names no account, so an address is one member.
CREATE UNIQUE INDEX members_email ON members (lower(email));
CREATE INDEX members_newest ON members (account_id, created_at, id);

CREATE TABLE sessions (
    id_hash bytea PRIMARY KEY CHECK (octet_length(id_hash) = 32),
    member_id text NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    csrf text NOT NULL,
    address text,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    CHECK (expires_at > created_at)
);
CREATE INDEX sessions_of_member ON sessions (member_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE admin_keys (
    id text PRIMARY KEY,
    name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
    digest bytea NOT NULL UNIQUE CHECK (octet_length(digest) = 32),
    hint text NOT NULL,
    -- Null: all accounts.
    account_id text REFERENCES accounts (id),
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by jsonb NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz
);
CREATE INDEX admin_keys_newest ON admin_keys (created_at, id);

CREATE TABLE integrations (
    id text PRIMARY KEY,
    account_id text NOT NULL REFERENCES accounts (id),
    name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
    description text NOT NULL DEFAULT '' CHECK (char_length(description) <= 2000),
    -- Sorted and distinct, by the application.
    scopes text[] NOT NULL CHECK (array_position(scopes, NULL) IS NULL),
    suspended_at timestamptz,
    -- A tombstone: the row stays for the audit, its tokens are dead.
    deleted_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by jsonb NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    -- Grows with every change of the integration or its tokens; an edit may demand the one it has seen.
    version bigint NOT NULL DEFAULT 1
);
CREATE INDEX integrations_newest ON integrations (account_id, created_at, id);

CREATE TABLE tokens (
    id text PRIMARY KEY,
    integration_id text NOT NULL REFERENCES integrations (id),
    digest bytea NOT NULL UNIQUE CHECK (octet_length(digest) = 32),
    hint text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- From this instant on the token is dead, for the reason in `ending`.
    ends_at timestamptz,
    ending text CHECK (ending IN ('rotated', 'expired', 'revoked')),
    rotation_started_at timestamptz,
    first_used_at timestamptz,
    last_used_at timestamptz,
    CONSTRAINT tokens_end_has_a_reason CHECK ((ends_at IS NULL) = (ending IS NULL)),
    CONSTRAINT tokens_rotation_has_an_end CHECK (rotation_started_at IS NULL OR ends_at IS NOT NULL),
    CONSTRAINT tokens_rotated_was_rotating CHECK (ending <> 'rotated' OR rotation_started_at IS NOT NULL)
);
CREATE UNIQUE INDEX tokens_one_without_deadline ON tokens (integration_id) WHERE ends_at IS NULL;
CREATE INDEX tokens_of_integration ON tokens (integration_id, created_at);
-- Deadlines that come, for the job that writes them down.
CREATE INDEX tokens_rotation_deadline ON tokens (ends_at) WHERE ending = 'rotated';

-- One row. It is locked by every mutation until its commit, so revisions become visible in their order; the same lock
-- orders the audit chain, whose head it keeps: rows cut off the chain's end are missed there.
CREATE TABLE revision (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    number bigint NOT NULL,
    audit_number bigint NOT NULL,
    audit_hash bytea NOT NULL CHECK (octet_length(audit_hash) = 32)
);
INSERT INTO revision (number, audit_number, audit_hash) VALUES (0, 0, decode(repeat('00', 32), 'hex'));

-- What each revision touched, one row for every revision, pruned from the oldest: a node whose next revision is still
-- here can catch up exactly.
CREATE TABLE changes (
    revision bigint PRIMARY KEY,
    at timestamptz NOT NULL,
    accounts text[] NOT NULL,
    integrations text[] NOT NULL
);
CREATE INDEX changes_age ON changes (at);

CREATE TABLE nodes (
    id text PRIMARY KEY,
    started_at timestamptz NOT NULL DEFAULT now(),
    heartbeat_at timestamptz NOT NULL DEFAULT now(),
    applied_revision bigint NOT NULL
);

-- No foreign keys: the record outlives what it speaks of. `number` has no gaps.
CREATE TABLE audit (
    number bigint PRIMARY KEY,
    revision bigint NOT NULL,
    at timestamptz NOT NULL,
    account_id text,
    actor jsonb NOT NULL,
    action text NOT NULL,
    subject_kind text NOT NULL,
    subject_id text NOT NULL,
    before jsonb,
    after jsonb,
    address text,
    prev bytea NOT NULL CHECK (octet_length(prev) = 32),
    hash bytea NOT NULL CHECK (octet_length(hash) = 32)
);
CREATE INDEX audit_of_account ON audit (account_id, number);
CREATE INDEX audit_of_subject ON audit (subject_id, number);

CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit is append-only' USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
REVOKE UPDATE, DELETE, TRUNCATE ON audit FROM PUBLIC, CURRENT_USER;

CREATE TABLE usage_hourly (
    token_id text NOT NULL REFERENCES tokens (id),
    hour timestamptz NOT NULL,
    route text NOT NULL,
    outcome text NOT NULL,
    count bigint NOT NULL CHECK (count > 0),
    PRIMARY KEY (token_id, hour, route, outcome)
);
CREATE INDEX usage_hourly_age ON usage_hourly (hour);

CREATE TABLE usage_networks (
    token_id text NOT NULL REFERENCES tokens (id),
    network cidr NOT NULL,
    first_seen_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    count bigint NOT NULL CHECK (count > 0),
    PRIMARY KEY (token_id, network),
    CHECK (last_seen_at >= first_seen_at)
);
CREATE INDEX usage_networks_age ON usage_networks (last_seen_at);
