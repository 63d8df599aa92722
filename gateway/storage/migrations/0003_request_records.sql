-- Records of requests, a partition for each day (UTC). They are dropped by age, a day at a time, which costs the same
-- however many rows there are.
CREATE TABLE request_records (
    -- When the request had ended.
    at timestamptz NOT NULL,
    bytes_in bigint NOT NULL,
    bytes_out bigint NOT NULL,
    duration_ms real NOT NULL,
    -- Null: no upstream answered.
    upstream_ms real,
    -- 0: the caller left before any answer.
    -- squawk-ignore prefer-bigint-over-smallint
    status smallint NOT NULL,
    -- The caller may choose it, and choose it twice.
    trace_id text NOT NULL,
    account_id text,
    integration_id text,
    token_id text,
    -- Method and template, never the path that was called. Null: no route was met.
    route text,
    -- Why the gateway said no, or how an answer broke off. Null: the upstream's answer passed whole.
    code text,
    -- What a need that is only judged would have said no with.
    shadow text,
    -- A network, or an address where the operator wants addresses.
    client inet,
    map_version text
) PARTITION BY RANGE (at);
CREATE INDEX request_records_newest ON request_records (at);
-- Hashes in place of the texts: a third less to store, and to write. A search names both.
CREATE INDEX request_records_of_trace ON request_records (hashtextextended(trace_id, 0));
CREATE INDEX request_records_of_account ON request_records (hashtextextended(account_id, 0), at)
    WHERE account_id IS NOT NULL;
CREATE INDEX request_records_of_integration ON request_records (hashtextextended(integration_id, 0), at)
    WHERE integration_id IS NOT NULL;

-- A gateway may run as a role that owns no table. It makes and drops partitions through these two, which run with the
-- rights of whoever migrates. They take nothing but a day, look up no name outside pg_catalog, and belong to the schema
-- that the table was made in.
DO $migration$
DECLARE
    home CONSTANT text := current_schema();
BEGIN
    EXECUTE replace($sql$
        CREATE FUNCTION HOME.make_request_records(day date) RETURNS void
        LANGUAGE plpgsql SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET lock_timeout = '2s' AS $body$
        DECLARE
            name CONSTANT text := 'request_records_' || to_char(day::timestamp, 'YYYYMMDD');
        BEGIN
            IF day IS NULL OR day NOT BETWEEN current_date - 31 AND current_date + 8 THEN
                RAISE EXCEPTION 'no partition is made for %', day USING ERRCODE = 'invalid_parameter_value';
            END IF;
            PERFORM pg_advisory_xact_lock(1734441061, 1919247201);
            IF to_regclass(format('HOME.%I', name)) IS NOT NULL THEN
                RETURN;
            END IF;
            -- Attached, and not made in its place: that would lock the whole table against those who write and read.
            EXECUTE format('CREATE TABLE HOME.%I (LIKE HOME.request_records INCLUDING ALL)', name);
            EXECUTE format(
                'ALTER TABLE HOME.request_records ATTACH PARTITION HOME.%I FOR VALUES FROM (%L) TO (%L)',
                name, day::timestamptz, (day + 1)::timestamptz
            );
        END
        $body$
    $sql$, 'HOME', quote_ident(home));

    EXECUTE replace($sql$
        CREATE FUNCTION HOME.drop_request_records(before date) RETURNS text
        LANGUAGE plpgsql SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET lock_timeout = '2s' AS $body$
        DECLARE
            oldest text;
        BEGIN
            -- Never today's: what is written now has its place.
            SELECT min(c.relname) INTO oldest
            FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
            WHERE i.inhparent = 'HOME.request_records'::regclass AND c.relname ~ '^request_records_[0-9]{8}$'
                AND c.relname < 'request_records_' || to_char(least(before, current_date)::timestamp, 'YYYYMMDD');
            IF oldest IS NOT NULL THEN
                EXECUTE format('DROP TABLE HOME.%I', oldest);
            END IF;
            RETURN oldest;
        END
        $body$
    $sql$, 'HOME', quote_ident(home));

    EXECUTE replace(
        'REVOKE ALL ON FUNCTION HOME.make_request_records(date), HOME.drop_request_records(date) FROM PUBLIC',
        'HOME', quote_ident(home)
    );
END
$migration$;
