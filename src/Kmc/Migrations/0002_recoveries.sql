-- Applications for the recovery of a key to another signing key (user recovery), each of which is spent once. State: 1 intended, 2 delivered.
CREATE TABLE key_recovery (
    ca_id smallint NOT NULL REFERENCES served_ca (ca_id),
    -- The application is known by its RA's name and the enrollment's id, as at the CA.
    ra_name {text(64)} NOT NULL,
    enrollment_id {text(64)} NOT NULL,
    application_digest {blob(32)} NOT NULL,
    key_id {blob(16)} NOT NULL REFERENCES escrowed_key (key_id),
    -- SM3 of the SubjectPublicKeyInfo that the private key comes to.
    recipient {blob(32)} NOT NULL,
    -- The message that brings it. While it is only intended, a later one may take its place.
    task_no {text(48)} NOT NULL,
    state smallint NOT NULL CHECK (state IN (1, 2)),
    -- DER of Application and both Approvals: the device asks for them each time that it opens the key to this recipient.
    application {blob} NOT NULL,
    entry_approval {blob} NOT NULL,
    review_approval {blob} NOT NULL,
    entry_person {blob(16)} NOT NULL,
    review_person {blob(16)} NOT NULL,
    -- From then on the device takes them no more.
    approved_until bigint NOT NULL,
    intended_at bigint NOT NULL,
    delivered_at bigint,
    PRIMARY KEY (ca_id, ra_name, enrollment_id),
    CHECK (entry_person <> review_person),
    CHECK ((state = 1 AND delivered_at IS NULL) OR (state = 2 AND delivered_at IS NOT NULL))
);
CREATE INDEX key_recovery_key ON key_recovery (key_id, recipient);

-- The highest number of the revocation lists of each issuer of officers' certificates that was ever seen: a lower one is an old list.
CREATE TABLE officer_crl (
    -- SM3 of the issuer's name and key.
    issuer_id {blob(32)} NOT NULL PRIMARY KEY,
    -- Decimal.
    crl_number {text(64)} NOT NULL,
    seen_at bigint NOT NULL
);

-- When the CA said that its subscribers have signed for what they got.
ALTER TABLE task ADD receipt_at bigint;

-- Which keys the answer to a message holds, and for whom. Once he has signed for it, the key does not go to that recipient again by a CA's message alone.
CREATE TABLE delivered_key (
    ca_id smallint NOT NULL,
    task_no {text(48)} NOT NULL,
    key_id {blob(16)} NOT NULL REFERENCES escrowed_key (key_id),
    -- SM3 of the SubjectPublicKeyInfo.
    recipient {blob(32)} NOT NULL,
    PRIMARY KEY (ca_id, task_no, key_id),
    FOREIGN KEY (ca_id, task_no) REFERENCES task (ca_id, task_no)
);
CREATE INDEX delivered_key_key ON delivered_key (key_id, recipient);

-- Judicial recoveries that officers have ordered. State: 1 ordered, 2 delivered, 3 refused, 4 erased.
CREATE TABLE judicial_recovery (
    recovery_id {blob(16)} NOT NULL PRIMARY KEY REFERENCES officer_command (command_id),
    state smallint NOT NULL CHECK (state IN (1, 2, 3, 4)),
    -- Case and key, which are recovered once; of those that are refused or erased something that is nobody else's, so that the case may be ordered again.
    slot {blob(32)} NOT NULL UNIQUE,
    key_id {blob(16)} NOT NULL REFERENCES escrowed_key (key_id),
    -- SM3 of the SubjectPublicKeyInfo.
    recipient {blob(32)} NOT NULL,
    -- The case's own end: then the envelope is erased, and its hash stays.
    not_after bigint NOT NULL,
    -- DER of SM2EnvelopedKey.
    envelope {blob},
    envelope_hash {blob(32)},
    -- Why it was refused.
    detail {text(1024)},
    ordered_at bigint NOT NULL,
    ended_at bigint,
    CHECK ((state = 1 AND ended_at IS NULL) OR (state <> 1 AND ended_at IS NOT NULL)),
    CHECK ((state = 2 AND envelope IS NOT NULL) OR (state <> 2 AND envelope IS NULL)),
    CHECK ((state IN (2, 4) AND envelope_hash IS NOT NULL) OR (state IN (1, 3) AND envelope_hash IS NULL)),
    CHECK ((state = 3 AND detail IS NOT NULL) OR (state <> 3 AND detail IS NULL))
);
CREATE INDEX judicial_recovery_state ON judicial_recovery (state, not_after);
