-- Officers of an RA are created at the CA, whose registry has the rest: rows of origin 1.
INSERT INTO officer_origin (origin) VALUES (1);

-- What the CA has told, one row each: by which digest of its directory the officers here were pulled, and when it was last asked; the highest checkpoint of its log that it ever named.
CREATE TABLE ca_directory (
    directory_number smallint NOT NULL PRIMARY KEY CHECK (directory_number = 1),
    digest {blob(32)} NOT NULL,
    pulled_at bigint NOT NULL
);
CREATE TABLE ca_checkpoint (
    checkpoint_number smallint NOT NULL PRIMARY KEY CHECK (checkpoint_number = 1),
    tree_size bigint NOT NULL,
    checkpoint {blob} NOT NULL,
    seen_at bigint NOT NULL
);

-- The CA's profiles that are in use, as it last told: work goes on while it is away.
CREATE TABLE ca_profile (
    name {text(64)} NOT NULL PRIMARY KEY,
    profile_hash {blob(32)} NOT NULL,
    told_at bigint NOT NULL
);

-- Of whom certificates are: 0 a person, 1 an organisation, 2 a device. The id is the entity that certificates name, for ever.
-- A person's number and name are sealed; he is found by the keyed hash of his number. What organisations and devices are called, everybody may know.
CREATE TABLE subscriber (
    subscriber_id {blob(16)} NOT NULL PRIMARY KEY,
    kind smallint NOT NULL CHECK (kind IN (0, 1, 2)),
    region {text(6)} NOT NULL REFERENCES region (code),
    person_index {blob(32)},
    number_sealed {blob},
    name_sealed {blob},
    data_key_id {blob(16)} REFERENCES data_key (data_key_id),
    -- Unified social credit code of an organisation; address or serial number of a device.
    number {text(128)},
    name {text(256)},
    -- Where a person works; whose a device is.
    organization_id {blob(16)},
    organization_kind smallint CHECK (organization_kind = 1),
    version bigint NOT NULL CHECK (version > 0),
    registered_at bigint NOT NULL,
    changed_at bigint NOT NULL,
    UNIQUE (subscriber_id, kind),
    FOREIGN KEY (organization_id, organization_kind) REFERENCES subscriber (subscriber_id, kind),
    CHECK ((organization_id IS NULL AND organization_kind IS NULL) OR (organization_id IS NOT NULL AND organization_kind IS NOT NULL)),
    CHECK (
        (kind = 0 AND person_index IS NOT NULL AND number_sealed IS NOT NULL AND name_sealed IS NOT NULL AND data_key_id IS NOT NULL AND number IS NULL AND name IS NULL)
        OR (kind = 1 AND person_index IS NULL AND number_sealed IS NULL AND name_sealed IS NULL AND number IS NOT NULL AND name IS NOT NULL AND organization_id IS NULL)
        OR (kind = 2 AND person_index IS NULL AND number_sealed IS NULL AND name_sealed IS NULL AND number IS NOT NULL AND name IS NOT NULL AND organization_id IS NOT NULL))
);
CREATE UNIQUE INDEX subscriber_person ON subscriber (person_index) WHERE person_index IS NOT NULL;
CREATE UNIQUE INDEX subscriber_number ON subscriber (kind, number) WHERE number IS NOT NULL;
CREATE INDEX subscriber_region ON subscriber (region, subscriber_id);
CREATE INDEX subscriber_kind ON subscriber (kind, region, subscriber_id);
CREATE INDEX subscriber_name ON subscriber (name, subscriber_id);
CREATE INDEX subscriber_organization ON subscriber (organization_id, subscriber_id);

-- Whose a key is: the first who applies with it, for ever (SM3 of the SubjectPublicKeyInfo).
CREATE TABLE key_owner (
    key_hash {blob(32)} NOT NULL PRIMARY KEY,
    subscriber_id {blob(16)} NOT NULL REFERENCES subscriber (subscriber_id)
);
{insert_only(key_owner)};

-- An application on its way. Kind: 1 new, 2 renew, 3 rekey, 4 change, 5 replace, 6 revoke, 7 suspend, 8 resume, 9 recovery.
-- State: 0 draft, 1 submitted, 2 reviewed (another review is due), 3 returned, 4 rejected, 5 issuing, 6 issued, 7 delivered, 8 archived, 9 cancelled.
CREATE TABLE enrollment (
    enrollment_id {blob(16)} NOT NULL PRIMARY KEY,
    tracking_number {text(20)} NOT NULL UNIQUE,
    kind smallint NOT NULL CHECK (kind BETWEEN 1 AND 9),
    state smallint NOT NULL CHECK (state BETWEEN 0 AND 9),
    version bigint NOT NULL CHECK (version > 0),
    -- Submissions so far: what officers decide about is the last.
    round smallint NOT NULL CHECK (round >= 0),
    region {text(6)} NOT NULL REFERENCES region (code),
    -- The region's city, for lists: the region itself where it is a province.
    city {text(6)} NOT NULL,
    profile {text(64)} NOT NULL,
    subscriber_id {blob(16)} NOT NULL REFERENCES subscriber (subscriber_id),
    -- By which persons are compared; 32 zero bytes: none.
    applicant_index {blob(32)} NOT NULL,
    agent_index {blob(32)} NOT NULL,
    -- JSON of what is applied for, sealed.
    content_sealed {blob} NOT NULL,
    data_key_id {blob(16)} NOT NULL REFERENCES data_key (data_key_id),
    -- Of the certification request. A key has one open enrollment.
    key_hash {blob(32)} REFERENCES key_owner (key_hash),
    -- What a decision about a certificate is about; what a renewal or a new key follows.
    certificate_issuer {text(64)},
    certificate_serial {text(40)},
    is_open smallint NOT NULL CHECK (is_open IN (0, 1)),
    created_by {text(40)} NOT NULL,
    created_at bigint NOT NULL,
    changed_at bigint NOT NULL,
    -- Until when the step that it waits for should be done.
    due_at bigint,
    -- Why it was returned, rejected or cancelled, or what the CA said; for its clerk, without personal data.
    reason {text(512)},
    CHECK ((certificate_issuer IS NULL AND certificate_serial IS NULL) OR (certificate_issuer IS NOT NULL AND certificate_serial IS NOT NULL)),
    CHECK (is_open = CASE WHEN state IN (4, 7, 8, 9) THEN 0 ELSE 1 END)
);
CREATE UNIQUE INDEX enrollment_key_open ON enrollment (key_hash) WHERE key_hash IS NOT NULL AND is_open = 1;
CREATE INDEX enrollment_region ON enrollment (region, enrollment_id);
CREATE INDEX enrollment_city ON enrollment (city, enrollment_id);
CREATE INDEX enrollment_state ON enrollment (state, enrollment_id);
CREATE INDEX enrollment_state_city ON enrollment (state, city, enrollment_id);
CREATE INDEX enrollment_state_region ON enrollment (state, region, enrollment_id);
CREATE INDEX enrollment_kind ON enrollment (kind, enrollment_id);
CREATE INDEX enrollment_kind_city ON enrollment (kind, city, enrollment_id);
CREATE INDEX enrollment_kind_region ON enrollment (kind, region, enrollment_id);
CREATE INDEX enrollment_subscriber ON enrollment (subscriber_id, enrollment_id);
CREATE INDEX enrollment_certificate ON enrollment (certificate_issuer, certificate_serial) WHERE certificate_serial IS NOT NULL;
-- What waits for something, in the order of ids, with what else may be asked of it.
CREATE INDEX enrollment_due ON enrollment (enrollment_id, due_at, city, region, state, kind) WHERE due_at IS NOT NULL;

-- What an officer entered and signed, as he signed it. Nobody enters his own application.
CREATE TABLE submission (
    enrollment_id {blob(16)} NOT NULL REFERENCES enrollment (enrollment_id),
    round smallint NOT NULL CHECK (round > 0),
    submitter_index {blob(32)} NOT NULL REFERENCES person (id_number_index),
    applicant_index {blob(32)} NOT NULL,
    agent_index {blob(32)} NOT NULL,
    submitter_serial {text(40)} NOT NULL,
    -- DER of the Application that a certificate or a status is decided by, sealed; then, sealed likewise, the one that follows from it (the old certificate's revocation).
    application_sealed {blob} NOT NULL,
    following_sealed {blob},
    data_key_id {blob(16)} NOT NULL REFERENCES data_key (data_key_id),
    -- SM3 of the DER.
    digest {blob(32)} NOT NULL,
    -- DER of Approval.
    entry {blob} NOT NULL,
    -- How many reviews the profile asked for then.
    reviews smallint NOT NULL CHECK (reviews BETWEEN 1 AND 3),
    submitted_at bigint NOT NULL,
    PRIMARY KEY (enrollment_id, round),
    UNIQUE (enrollment_id, round, submitter_index, applicant_index, agent_index),
    CHECK (submitter_index <> applicant_index AND submitter_index <> agent_index)
);
{insert_only(submission)};

-- Another's word on it. Outcome: 1 approved, 2 returned, 3 rejected. Number: 1 and up, in the order of the levels that the profile asks for.
CREATE TABLE review (
    enrollment_id {blob(16)} NOT NULL,
    round smallint NOT NULL,
    number smallint NOT NULL CHECK (number BETWEEN 1 AND 3),
    submitter_index {blob(32)} NOT NULL,
    applicant_index {blob(32)} NOT NULL,
    agent_index {blob(32)} NOT NULL,
    reviewer_index {blob(32)} NOT NULL REFERENCES person (id_number_index),
    reviewer_serial {text(40)} NOT NULL,
    -- Of the officer: acceptance points take in and hand out, and decide nothing.
    reviewer_region {text(6)} NOT NULL REFERENCES region (code) CHECK (reviewer_region LIKE '____00'),
    outcome smallint NOT NULL CHECK (outcome IN (1, 2, 3)),
    -- DER of Approval.
    approval {blob},
    reason {text(512)},
    reviewed_at bigint NOT NULL,
    PRIMARY KEY (enrollment_id, round, number),
    UNIQUE (enrollment_id, round, reviewer_index),
    UNIQUE (enrollment_id, round, number, outcome),
    FOREIGN KEY (enrollment_id, round, submitter_index, applicant_index, agent_index)
        REFERENCES submission (enrollment_id, round, submitter_index, applicant_index, agent_index),
    CHECK (reviewer_index <> submitter_index AND reviewer_index <> applicant_index AND reviewer_index <> agent_index),
    CHECK ((outcome = 1 AND approval IS NOT NULL) OR (outcome <> 1 AND approval IS NULL AND reason IS NOT NULL))
);
{insert_only(review)};

-- Each move of an enrollment, for good.
CREATE TABLE enrollment_step (
    enrollment_id {blob(16)} NOT NULL REFERENCES enrollment (enrollment_id),
    version bigint NOT NULL CHECK (version > 0),
    state smallint NOT NULL CHECK (state BETWEEN 0 AND 9),
    -- Serial number of the officer's certificate; the name of a job; "applicant".
    actor {text(64)} NOT NULL,
    reason {text(512)},
    taken_at bigint NOT NULL,
    PRIMARY KEY (enrollment_id, version)
);
{insert_only(enrollment_step)};

-- Evidence by the SM3 of its bytes, which are sealed in parts of 1 MiB.
CREATE TABLE evidence (
    evidence_hash {blob(32)} NOT NULL PRIMARY KEY,
    media_type {text(64)} NOT NULL,
    length bigint NOT NULL CHECK (length > 0),
    data_key_id {blob(16)} NOT NULL REFERENCES data_key (data_key_id),
    -- Officers have signed an application that it proved: it stays, though no enrollment has it any more.
    is_kept smallint NOT NULL CHECK (is_kept IN (0, 1)),
    stored_at bigint NOT NULL
);
CREATE TABLE evidence_part (
    evidence_hash {blob(32)} NOT NULL REFERENCES evidence (evidence_hash),
    number smallint NOT NULL CHECK (number >= 0),
    bytes_sealed {blob} NOT NULL,
    PRIMARY KEY (evidence_hash, number)
);
CREATE TABLE enrollment_evidence (
    enrollment_id {blob(16)} NOT NULL REFERENCES enrollment (enrollment_id),
    position smallint NOT NULL CHECK (position BETWEEN 1 AND 32),
    evidence_hash {blob(32)} NOT NULL REFERENCES evidence (evidence_hash),
    title {text(256)} NOT NULL,
    added_at bigint NOT NULL,
    PRIMARY KEY (enrollment_id, position),
    UNIQUE (enrollment_id, evidence_hash)
);
CREATE INDEX enrollment_evidence_hash ON enrollment_evidence (evidence_hash);

-- What the CA has to be asked or told. Purpose: 1 the application, 2 what follows from it, 3 a receipt.
-- State: 0 waits, 1 held back until the pair is delivered, 2 answered, 3 refused for good, 4 given up.
-- No question without an approval by somebody other than who entered it: the row refers to it.
CREATE TABLE outbox (
    outbox_id {blob(16)} NOT NULL PRIMARY KEY,
    enrollment_id {blob(16)} NOT NULL REFERENCES enrollment (enrollment_id),
    purpose smallint NOT NULL CHECK (purpose IN (1, 2, 3)),
    round smallint NOT NULL,
    review_number smallint NOT NULL,
    review_outcome smallint NOT NULL CHECK (review_outcome = 1),
    -- Both never change: a retry is the same request, whatever became of the answer.
    request_id {text(64)} NOT NULL UNIQUE,
    path {text(256)} NOT NULL,
    body_sealed {blob} NOT NULL,
    data_key_id {blob(16)} NOT NULL REFERENCES data_key (data_key_id),
    state smallint NOT NULL CHECK (state BETWEEN 0 AND 4),
    tries bigint NOT NULL,
    try_after bigint NOT NULL,
    claimed_until bigint NOT NULL,
    refusal {text(64)},
    detail {text(2048)},
    added_at bigint NOT NULL,
    ended_at bigint,
    FOREIGN KEY (enrollment_id, round, review_number, review_outcome) REFERENCES review (enrollment_id, round, number, outcome)
);
CREATE INDEX outbox_state ON outbox (state, try_after);
CREATE INDEX outbox_enrollment ON outbox (enrollment_id);

-- Certificates that this RA had issued. Half: 0 the only one, 1 signing, 2 encryption. State: 1 valid, 2 held, 3 revoked.
CREATE TABLE certificate (
    issuer {text(64)} NOT NULL,
    serial {text(40)} NOT NULL,
    half smallint NOT NULL CHECK (half IN (0, 1, 2)),
    -- By the CA's id, with the serial number by which the KMC knows the key.
    pair_id {blob(16)},
    key_serial {text(40)},
    enrollment_id {blob(16)} NOT NULL REFERENCES enrollment (enrollment_id),
    subscriber_id {blob(16)} NOT NULL REFERENCES subscriber (subscriber_id),
    region {text(6)} NOT NULL REFERENCES region (code),
    profile {text(64)} NOT NULL,
    certificate {blob} NOT NULL,
    key_hash {blob(32)} NOT NULL,
    state smallint NOT NULL CHECK (state IN (1, 2, 3)),
    not_before bigint NOT NULL,
    not_after bigint NOT NULL,
    -- When its event was found in the CA's log.
    proven_at bigint,
    stored_at bigint NOT NULL,
    PRIMARY KEY (issuer, serial),
    CHECK ((half = 0 AND pair_id IS NULL) OR (half <> 0 AND pair_id IS NOT NULL))
);
CREATE INDEX certificate_subscriber ON certificate (subscriber_id, serial);
CREATE INDEX certificate_enrollment ON certificate (enrollment_id);
CREATE INDEX certificate_pair ON certificate (pair_id);
CREATE INDEX certificate_key ON certificate (key_hash);
CREATE INDEX certificate_unproven ON certificate (stored_at) WHERE proven_at IS NULL;

-- Handing out: the pair goes to whoever answers with the signing key. State: 1 waiting, 2 received, 3 refused by the token, 4 revoked because nobody took it.
CREATE TABLE delivery (
    enrollment_id {blob(16)} NOT NULL PRIMARY KEY REFERENCES enrollment (enrollment_id),
    state smallint NOT NULL CHECK (state IN (1, 2, 3, 4)),
    pair_id {blob(16)},
    -- SubjectPublicKeyInfo of the key that has to answer.
    recipient {blob} NOT NULL,
    -- 32 random bytes; the last one asked for.
    challenge {blob(32)},
    challenge_until bigint,
    fetched_at bigint,
    reminded_at bigint,
    reminders bigint NOT NULL,
    receipt {blob},
    opened_at bigint NOT NULL,
    ended_at bigint
);
CREATE INDEX delivery_state ON delivery (state, opened_at);
