-- The CAs whose keys this service has. Their numbers never change their meaning.
CREATE TABLE authority (
    authority_id smallint NOT NULL PRIMARY KEY CHECK (authority_id > 0),
    name {text(64)} NOT NULL UNIQUE,
    key_identifier {text(64)} NOT NULL UNIQUE,
    certificate {blob} NOT NULL,
    added_at bigint NOT NULL
);
{insert_only(authority)};

-- Every version of every profile that was ever known here, with its definition: a certificate is judged by the version of its day.
CREATE TABLE profile_version (
    profile_hash {blob(32)} NOT NULL PRIMARY KEY,
    name {text(64)} NOT NULL,
    definition {blob} NOT NULL,
    added_at bigint NOT NULL,
    UNIQUE (name, profile_hash)
);
{insert_only(profile_version)};

-- The one version of a profile by which certificates are issued now. No row: retired, or never activated.
CREATE TABLE active_profile (
    name {text(64)} NOT NULL PRIMARY KEY,
    profile_hash {blob(32)} NOT NULL,
    activated_at bigint NOT NULL,
    FOREIGN KEY (name, profile_hash) REFERENCES profile_version (name, profile_hash)
);

-- An RA, its province (or less), and how many certificates it may have issued in all. Its message certificates are those of the entity.
CREATE TABLE registration_authority (
    ra_name {text(64)} NOT NULL PRIMARY KEY,
    entity {text(64)} NOT NULL UNIQUE,
    region {text(6)} NOT NULL REFERENCES region (code),
    enabled smallint NOT NULL CHECK (enabled IN (0, 1)),
    quota bigint NOT NULL CHECK (quota >= 0),
    issued bigint NOT NULL CHECK (issued >= 0),
    registered_at bigint NOT NULL,
    changed_at bigint NOT NULL
);

-- What it may ask for: a profile, from a CA.
CREATE TABLE ra_scope (
    ra_name {text(64)} NOT NULL REFERENCES registration_authority (ra_name),
    profile {text(64)} NOT NULL,
    authority_id smallint NOT NULL REFERENCES authority (authority_id),
    PRIMARY KEY (ra_name, profile, authority_id)
);

-- Officers' signed opinions, each once, however many applications it covers.
CREATE TABLE approval (
    approval_hash {blob(32)} NOT NULL PRIMARY KEY,
    person_id {blob(16)} NOT NULL REFERENCES person_role (person_id),
    approval {blob} NOT NULL,
    recorded_at bigint NOT NULL,
    UNIQUE (approval_hash, person_id)
);
{insert_only(approval)};

-- From the reservation of a serial number to the end: one row for each serial number that was ever reserved.
-- State: 0 reserved, 1 intended (may be signed), 2 valid, 3 revoked, 4 held, 5 reserved and never used.
-- A row of state 3 without a signature was given up after its intention: it may have been signed, and is on CRLs like any other.
CREATE TABLE certificate (
    certificate_id {blob(16)} NOT NULL PRIMARY KEY,
    authority_id smallint NOT NULL REFERENCES authority (authority_id),
    serial {text(40)} NOT NULL,
    state smallint NOT NULL CHECK (state IN (0, 1, 2, 3, 4, 5)),
    state_version bigint NOT NULL,
    owner {text(160)} NOT NULL,
    region {text(6)} NOT NULL,
    ra_name {text(64)},
    profile_hash {blob(32)} NOT NULL REFERENCES profile_version (profile_hash),
    shard {text(8)} NOT NULL,
    tbs {blob},
    signature {blob},
    subject_hash {blob(32)},
    key_hash {blob(32)},
    not_before bigint,
    not_after bigint,
    replaces {blob(16)} REFERENCES certificate (certificate_id),
    reserved_at bigint NOT NULL,
    changed_at bigint NOT NULL,
    UNIQUE (authority_id, serial),
    CHECK ((state IN (0, 5) AND tbs IS NULL) OR (state IN (1, 2, 3, 4) AND tbs IS NOT NULL)),
    CHECK (state NOT IN (2, 4) OR signature IS NOT NULL),
    CHECK (state NOT IN (0, 1, 5) OR signature IS NULL),
    CHECK (tbs IS NULL OR (subject_hash IS NOT NULL AND key_hash IS NOT NULL AND not_before IS NOT NULL AND not_after IS NOT NULL))
);
CREATE INDEX certificate_owner ON certificate (owner, certificate_id);
CREATE INDEX certificate_region ON certificate (region, certificate_id);
CREATE INDEX certificate_ra ON certificate (ra_name, certificate_id);
CREATE INDEX certificate_unfinished ON certificate (certificate_id) WHERE state < 2;

-- Why a certificate was issued, and that it was not issued twice: (RA, enrollment, kind), (command), (renewed link). Written with the intention.
CREATE TABLE decision (
    requester {text(64)} NOT NULL,
    reference {text(64)} NOT NULL,
    kind smallint NOT NULL,
    request_id {text(64)} NOT NULL,
    certificate_id {blob(16)} NOT NULL REFERENCES certificate (certificate_id),
    application_digest {blob(32)} NOT NULL,
    application {blob} NOT NULL,
    entry_hash {blob(32)},
    entry_person {blob(16)},
    review_hash {blob(32)},
    review_person {blob(16)},
    decided_at bigint NOT NULL,
    PRIMARY KEY (requester, reference, kind),
    FOREIGN KEY (entry_hash, entry_person) REFERENCES approval (approval_hash, person_id),
    FOREIGN KEY (review_hash, review_person) REFERENCES approval (approval_hash, person_id),
    CHECK ((kind IN (0, 16) AND entry_hash IS NULL AND review_hash IS NULL)
        OR (kind NOT IN (0, 16) AND entry_hash IS NOT NULL AND review_hash IS NOT NULL AND entry_person <> review_person))
);
{insert_only(decision)};
CREATE INDEX decision_certificate ON decision (certificate_id);

-- To whom a subject and a key belong, for ever.
CREATE TABLE subject_owner (
    subject_hash {blob(32)} NOT NULL PRIMARY KEY,
    owner {text(160)} NOT NULL
){by_key};
{insert_only(subject_owner)};
CREATE TABLE key_owner (
    key_hash {blob(32)} NOT NULL PRIMARY KEY,
    owner {text(160)} NOT NULL
){by_key};
{insert_only(key_owner)};

-- Each call to the device for an intention's signature after the first, which the intention itself tells of.
CREATE TABLE signing_attempt (
    certificate_id {blob(16)} NOT NULL REFERENCES certificate (certificate_id),
    attempt smallint NOT NULL CHECK (attempt > 1),
    attempted_at bigint NOT NULL,
    PRIMARY KEY (certificate_id, attempt)
);
{insert_only(signing_attempt)};

-- What CRLs are made from; ra_name: whose officers decided, or none where it was the CA's. A row of reason 6 (certificateHold) goes when the certificate is resumed.
CREATE TABLE revocation (
    authority_id smallint NOT NULL,
    shard {text(8)} NOT NULL,
    serial {text(40)} NOT NULL,
    reason smallint NOT NULL CHECK (reason IN (0, 1, 2, 3, 4, 5, 6, 9, 10)),
    revoked_at bigint NOT NULL,
    invalid_from bigint,
    not_after bigint NOT NULL,
    ra_name {text(64)},
    PRIMARY KEY (authority_id, shard, serial),
    FOREIGN KEY (authority_id, serial) REFERENCES certificate (authority_id, serial)
){by_key};

-- Decisions of RAs about the status of certificates, each spent once.
CREATE TABLE status_decision (
    ra_name {text(64)} NOT NULL,
    enrollment_id {text(64)} NOT NULL,
    kind smallint NOT NULL CHECK (kind IN (4, 6, 7)),
    request_id {text(64)} NOT NULL,
    certificate_id {blob(16)} NOT NULL REFERENCES certificate (certificate_id),
    application {blob} NOT NULL,
    entry_hash {blob(32)} NOT NULL,
    entry_person {blob(16)} NOT NULL,
    review_hash {blob(32)} NOT NULL,
    review_person {blob(16)} NOT NULL,
    decided_at bigint NOT NULL,
    PRIMARY KEY (ra_name, enrollment_id, kind),
    FOREIGN KEY (entry_hash, entry_person) REFERENCES approval (approval_hash, person_id),
    FOREIGN KEY (review_hash, review_person) REFERENCES approval (approval_hash, person_id),
    CHECK (entry_person <> review_person)
);
{insert_only(status_decision)};
CREATE INDEX status_decision_certificate ON status_decision (certificate_id);

-- What two officers ordered to be done to many certificates, and how far it has come. State: 0 at work, 1 done.
-- Of a list the number of its next entry moves, of any other selection the last certificate that was looked at: in the transaction that changes the certificates.
CREATE TABLE bulk_change (
    change_id {blob(16)} NOT NULL PRIMARY KEY REFERENCES officer_command (command_id),
    state smallint NOT NULL CHECK (state IN (0, 1)),
    body {blob} NOT NULL,
    region {text(6)} NOT NULL,
    next_entry bigint NOT NULL CHECK (next_entry >= 0),
    reached {blob(16)} NOT NULL,
    total bigint,
    changed bigint NOT NULL CHECK (changed >= 0),
    skipped bigint NOT NULL CHECK (skipped >= 0),
    ordered_at bigint NOT NULL,
    ended_at bigint,
    CHECK ((state = 0 AND ended_at IS NULL) OR (state = 1 AND ended_at IS NOT NULL))
);
CREATE INDEX bulk_change_state ON bulk_change (state, change_id);

-- Keys of which officers have ordered that everything with them is revoked for keyCompromise: never certified again, also where no certificate had them yet, or none that lives.
CREATE TABLE compromised_key (
    key_hash {blob(32)} NOT NULL PRIMARY KEY,
    command_id {blob(16)} NOT NULL REFERENCES officer_command (command_id),
    recorded_at bigint NOT NULL
){by_key};
{insert_only(compromised_key)};

-- A re-audit: how far it is. Phase: 0 certificates, 1 issue events, 2 intentions' events, 3 ended. Reached: the last certificate or event that was looked at.
CREATE TABLE reaudit_run (
    run_id {blob(16)} NOT NULL PRIMARY KEY,
    phase smallint NOT NULL CHECK (phase IN (0, 1, 2, 3)),
    reached {blob(16)} NOT NULL,
    certificates bigint NOT NULL CHECK (certificates >= 0),
    events bigint NOT NULL CHECK (events >= 0),
    findings bigint NOT NULL CHECK (findings >= 0),
    started_at bigint NOT NULL,
    ended_at bigint,
    CHECK ((phase = 3 AND ended_at IS NOT NULL) OR (phase < 3 AND ended_at IS NULL))
);

-- What did not agree. The object is what the log knows the certificate by: a row of it there may be none.
CREATE TABLE reaudit_finding (
    finding_id {blob(16)} NOT NULL PRIMARY KEY,
    run_id {blob(16)} NOT NULL REFERENCES reaudit_run (run_id),
    object_id {text(512)} NOT NULL,
    kind {text(64)} NOT NULL,
    detail {text(1024)} NOT NULL,
    found_at bigint NOT NULL
);
{insert_only(reaudit_finding)};
CREATE INDEX reaudit_finding_run ON reaudit_finding (run_id, finding_id);

-- What two officers ordered this service to issue. It is done after their command's transaction, for that waits for no device. What it is, the command says, which both signed.
-- State: 0 waiting, 1 issued, 2 refused.
CREATE TABLE certificate_order (
    order_id {blob(16)} NOT NULL PRIMARY KEY REFERENCES officer_command (command_id),
    state smallint NOT NULL CHECK (state IN (0, 1, 2)),
    refusal {text(32)},
    detail {text(1024)},
    ordered_at bigint NOT NULL,
    ended_at bigint,
    CHECK ((state = 2 AND refusal IS NOT NULL) OR (state <> 2 AND refusal IS NULL)),
    CHECK ((state = 0 AND ended_at IS NULL) OR (state <> 0 AND ended_at IS NOT NULL))
);
CREATE INDEX certificate_order_state ON certificate_order (state, order_id);

-- The numbers of CRLs, by CA and shard; the ceremony's are spent.
CREATE TABLE crl_number (
    authority_id smallint NOT NULL REFERENCES authority (authority_id),
    shard {text(8)} NOT NULL,
    last_number bigint NOT NULL CHECK (last_number > 0),
    PRIMARY KEY (authority_id, shard)
);
