-- The rights that a running gateway needs, and no others: the audit can be read and added to, never changed.
--
-- The tables belong to the role that runs `gateway migrate`. Run this as that role, or as a superuser, after each
-- upgrade; it may be run any number of times. Then let the gateway log in as a member:
--
--   CREATE ROLE gateway_app LOGIN PASSWORD '…' IN ROLE gateway_runtime;
--
-- and give its address to `gateway serve`, the owner's to `gateway migrate`.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'gateway_runtime') THEN
        CREATE ROLE gateway_runtime NOLOGIN;
    END IF;
END
$$;

GRANT USAGE ON SCHEMA public TO gateway_runtime;
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM gateway_runtime;

-- Written once, and read. The head of the chain of hashes is in `revision`.
GRANT SELECT, INSERT ON audit TO gateway_runtime;
GRANT SELECT, UPDATE ON revision TO gateway_runtime;

-- Never deleted: what ends leaves its row for the audit.
GRANT SELECT, INSERT, UPDATE ON accounts, integrations, tokens, admin_keys, usage_periods TO gateway_runtime;

-- Comes and goes.
GRANT SELECT, INSERT, UPDATE, DELETE ON members, sessions, operator_sessions, nodes, usage_hourly,
    usage_shadow, usage_networks TO gateway_runtime;
GRANT SELECT, INSERT, DELETE ON changes, maps TO gateway_runtime;

-- Which version the schema is of.
GRANT SELECT ON schema_migrations TO gateway_runtime;

-- Added, and never changed. Their partitions are made and dropped by two functions of the owner's.
GRANT SELECT, INSERT ON request_records TO gateway_runtime;
GRANT EXECUTE ON FUNCTION make_request_records(date), drop_request_records(date) TO gateway_runtime;
