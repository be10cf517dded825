-- What happened, as exact bytes: DER of AuditLeaf. The id begins with its time (a ULID). The other tables have no foreign key to this one: its rows never go,
-- LogCheck finds what has none, and on PostgreSQL each such key costs a lock on the event's row.
CREATE TABLE audit_event (
    event_id {blob(16)} NOT NULL PRIMARY KEY,
    leaf {blob} NOT NULL
) {by_key};
{insert_only(audit_event)};

-- By what events are found. The sequencer reads it out of the leaves, many at once: whoever records an event does not wait for three indexes.
CREATE TABLE audit_search (
    event_id {blob(16)} NOT NULL PRIMARY KEY,
    action {text(64)} NOT NULL,
    actor {text(512)} NOT NULL,
    object_kind {text(64)} NOT NULL,
    object_id {text(512)} NOT NULL
) {by_key};
CREATE INDEX audit_search_action ON audit_search (action, event_id);
CREATE INDEX audit_search_actor ON audit_search (actor, event_id);
CREATE INDEX audit_search_object ON audit_search (object_kind, object_id, event_id);
{insert_only(audit_search)};

-- Values (UTF-8) whose salted hashes are in the leaf: may be erased, and the leaf still verifies.
CREATE TABLE audit_personal (
    event_id {blob(16)} NOT NULL,
    name {text(64)} NOT NULL,
    salt {blob(16)} NOT NULL,
    content {blob} NOT NULL,
    PRIMARY KEY (event_id, name)
) {by_key};

-- Events without a place in the log yet.
CREATE TABLE log_pending (
    event_id {blob(16)} NOT NULL PRIMARY KEY
) {by_key};

CREATE TABLE log_leaf (
    log_index bigint NOT NULL PRIMARY KEY,
    event_id {blob(16)} NOT NULL UNIQUE,
    leaf_hash {blob(32)} NOT NULL
);
{insert_only(log_leaf)};

-- Roots of complete subtrees of 16^level leaves, level 1 and up: a proof reads a few rows of each level.
CREATE TABLE log_node (
    level smallint NOT NULL,
    node_index bigint NOT NULL,
    hash {blob(32)} NOT NULL,
    PRIMARY KEY (level, node_index)
);
{insert_only(log_node)};

CREATE TABLE log_checkpoint (
    checkpoint_number bigint NOT NULL PRIMARY KEY,
    epoch bigint NOT NULL,
    checkpoint_der {blob} NOT NULL
);
CREATE INDEX log_checkpoint_epoch ON log_checkpoint (epoch, checkpoint_number);
{insert_only(log_checkpoint)};
