-- Since when usage is known in full, and while it was recorded at all: inactivity is judged by nothing else. And which
-- ends of rotations are written down.

-- Everything that this node has seen up to then is in the tables below. Null: nothing is known of it yet.
ALTER TABLE nodes ADD COLUMN usage_known_at timestamptz;

-- While some node was up and recorded. They do not overlap, and are never pruned: a token may be idle for ten years.
CREATE TABLE usage_periods (
    started_at timestamptz PRIMARY KEY,
    ended_at timestamptz NOT NULL,
    CHECK (ended_at >= started_at)
);

-- When the audit row about the end of this token's rotation was written.
ALTER TABLE tokens ADD COLUMN end_noted_at timestamptz;
-- The migrations' transaction has no concurrent way; a token's row is short, and there are few of them.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX tokens_rotation_end_to_note ON tokens (ends_at) WHERE ending = 'rotated' AND end_noted_at IS NULL;
-- squawk-ignore require-concurrent-index-deletion
DROP INDEX tokens_rotation_deadline;
