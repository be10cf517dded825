-- Approvals that are over many applications, each once: a row of submission or of review has in the place of its DER the SM3 of it then (32 bytes, which no DER of an approval is).
CREATE TABLE approval (
    approval_hash {blob(32)} NOT NULL PRIMARY KEY,
    approval {blob} NOT NULL,
    kept_at bigint NOT NULL
);
{insert_only(approval)};

-- Many applications at once. Kind: 1 import, 2 renewal, 3 revocation. What was asked for is sealed JSON; a file of applicants lies in sealed parts of 1 MiB.
CREATE TABLE batch (
    batch_id {blob(16)} NOT NULL PRIMARY KEY,
    kind smallint NOT NULL CHECK (kind IN (1, 2, 3)),
    region {text(6)} NOT NULL REFERENCES region (code),
    title {text(128)} NOT NULL,
    content_sealed {blob} NOT NULL,
    data_key_id {blob(16)} NOT NULL REFERENCES data_key (data_key_id),
    file_hash {blob(32)},
    file_length bigint,
    -- The parts are there until then; what the file was, its hash goes on to say.
    file_deleted_at bigint,
    created_by {text(40)} NOT NULL,
    created_at bigint NOT NULL,
    cancelled_at bigint,
    CHECK ((file_hash IS NULL AND file_length IS NULL AND file_deleted_at IS NULL) OR (kind = 1 AND file_hash IS NOT NULL AND file_length IS NOT NULL AND file_length > 0))
);
CREATE INDEX batch_region ON batch (region, batch_id);
CREATE INDEX batch_creator ON batch (created_by, batch_id);
CREATE TABLE batch_part (
    batch_id {blob(16)} NOT NULL REFERENCES batch (batch_id),
    number smallint NOT NULL CHECK (number >= 0),
    bytes_sealed {blob} NOT NULL,
    data_key_id {blob(16)} NOT NULL REFERENCES data_key (data_key_id),
    PRIMARY KEY (batch_id, number)
);

-- Work on one, done by whatever node has the claim, row after row. Kind: 1 checking, 2 making, 3 submission, 4 review, 5 cancellation. State: 0 running, 1 done, 2 refused as a whole.
CREATE TABLE batch_task (
    batch_id {blob(16)} NOT NULL REFERENCES batch (batch_id),
    number smallint NOT NULL CHECK (number > 0),
    kind smallint NOT NULL CHECK (kind BETWEEN 1 AND 5),
    state smallint NOT NULL CHECK (state IN (0, 1, 2)),
    officer_serial {text(40)} NOT NULL,
    approval_hash {blob(32)} REFERENCES approval (approval_hash),
    -- The last row that it is through with; where that lies, as the task wrote it.
    reached bigint NOT NULL,
    position {text(512)},
    row_count bigint,
    done bigint NOT NULL,
    refused bigint NOT NULL,
    reason {text(512)},
    claim {blob(16)},
    claimed_until bigint NOT NULL,
    -- How often it failed since its last part, and until when it is left alone for that.
    failures bigint NOT NULL CHECK (failures >= 0),
    retry_at bigint NOT NULL,
    started_at bigint NOT NULL,
    ended_at bigint,
    PRIMARY KEY (batch_id, number),
    CHECK ((kind IN (3, 4) AND approval_hash IS NOT NULL) OR (kind NOT IN (3, 4) AND approval_hash IS NULL))
);
-- One after the other.
CREATE UNIQUE INDEX batch_task_running ON batch_task (batch_id) WHERE state = 0;

-- What came of a row, and what a task refused of it.
CREATE TABLE batch_row (
    batch_id {blob(16)} NOT NULL REFERENCES batch (batch_id),
    row_number bigint NOT NULL CHECK (row_number > 0),
    enrollment_id {blob(16)} NOT NULL REFERENCES enrollment (enrollment_id),
    PRIMARY KEY (batch_id, row_number)
);
{insert_only(batch_row)};
CREATE UNIQUE INDEX batch_row_enrollment ON batch_row (enrollment_id);
CREATE TABLE batch_refusal (
    batch_id {blob(16)} NOT NULL,
    number smallint NOT NULL,
    row_number bigint NOT NULL CHECK (row_number > 0),
    reason {text(512)} NOT NULL,
    PRIMARY KEY (batch_id, number, row_number),
    FOREIGN KEY (batch_id, number) REFERENCES batch_task (batch_id, number)
);
CREATE INDEX certificate_expiry ON certificate (state, not_after);
