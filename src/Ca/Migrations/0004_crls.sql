-- Which CRLs there have to be: of each CA the complete one ('all'), and every partition that a certificate may name. The next is made when it is due; 0: at once.
CREATE TABLE crl_scope (
    authority_id smallint NOT NULL REFERENCES authority (authority_id),
    shard {text(8)} NOT NULL,
    due_at bigint NOT NULL,
    added_at bigint NOT NULL,
    PRIMARY KEY (authority_id, shard)
);
INSERT INTO crl_scope (authority_id, shard, due_at, added_at) SELECT DISTINCT authority_id, shard, 0, 0 FROM certificate;

-- Every CRL that was ever begun, each with a number of its own; a later one has a greater number.
-- State: 0 begun (has its number), 1 intended (may be signed), 2 judged (to be published), 3 published, 4 refused by the gate, 5 given up.
CREATE TABLE crl (
    crl_id {blob(16)} NOT NULL PRIMARY KEY,
    authority_id smallint NOT NULL,
    shard {text(8)} NOT NULL,
    crl_number bigint NOT NULL CHECK (crl_number > 0),
    state smallint NOT NULL CHECK (state IN (0, 1, 2, 3, 4, 5)),
    this_update bigint,
    next_update bigint,
    entries bigint,
    -- Leaves of the log when its data were read: those of the next are no older.
    log_size bigint,
    -- Bytes of the file, and its SM3.
    length bigint,
    hash {blob(32)},
    -- Why the gate refused it, or it was given up.
    detail {text(1024)},
    begun_at bigint NOT NULL,
    changed_at bigint NOT NULL,
    UNIQUE (authority_id, shard, crl_number),
    FOREIGN KEY (authority_id, shard) REFERENCES crl_scope (authority_id, shard),
    CHECK (state IN (0, 5) OR (this_update IS NOT NULL AND next_update IS NOT NULL AND entries IS NOT NULL AND log_size IS NOT NULL)),
    CHECK (state NOT IN (2, 3) OR (length IS NOT NULL AND hash IS NOT NULL)),
    CHECK (state NOT IN (4, 5) OR detail IS NOT NULL)
);
CREATE INDEX crl_state ON crl (state, crl_id);

-- The bytes of what is to be published, and of what is: any node may publish what another has made. Those of older ones go.
CREATE TABLE crl_part (
    crl_id {blob(16)} NOT NULL REFERENCES crl (crl_id),
    part bigint NOT NULL CHECK (part >= 0),
    content {blob} NOT NULL,
    PRIMARY KEY (crl_id, part)
);

-- A complete CRL is in the order of serial numbers too; with all that is on it, for a look at each row elsewhere would take several times as long.
CREATE INDEX revocation_serial ON revocation (authority_id, serial, reason, revoked_at, invalid_from, not_after);
