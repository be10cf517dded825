-- The two certificates that came of one application, known by the signing one. Both are there from their intentions on, or neither.
-- key_serial: by which the KMC knows the encryption key, that of the certificate which it was made for; a renewal keeps the key.
CREATE TABLE certificate_pair (
    pair_id {blob(16)} NOT NULL PRIMARY KEY REFERENCES certificate (certificate_id),
    encryption_id {blob(16)} NOT NULL UNIQUE REFERENCES certificate (certificate_id),
    key_serial {text(40)} NOT NULL,
    intended_at bigint NOT NULL,
    CHECK (pair_id <> encryption_id)
);
{insert_only(certificate_pair)};
CREATE INDEX certificate_pair_key ON certificate_pair (key_serial);

-- The encryption key's way to the subscriber, at first and with each recovery. State: 1 waits for the receipt, 2 delivered, 3 refused by the token (the key is not the certificate's),
-- 4 given to nobody any more (the certificate has ended, or the key was recovered to another token).
-- recipient_id: the signing certificate whose key it is enveloped to. A pair that keeps its key has no row. The reply of the KMC (DER of KMRespond) goes with the receipt, its hash stays.
CREATE TABLE pair_delivery (
    delivery_id {blob(16)} NOT NULL PRIMARY KEY,
    pair_id {blob(16)} NOT NULL REFERENCES certificate_pair (pair_id),
    recipient_id {blob(16)} NOT NULL REFERENCES certificate (certificate_id),
    state smallint NOT NULL CHECK (state IN (1, 2, 3, 4)),
    task_no {text(48)} NOT NULL,
    reply {blob},
    reply_hash {blob(32)} NOT NULL,
    receipt {blob},
    added_at bigint NOT NULL,
    changed_at bigint NOT NULL,
    CHECK ((state = 1 AND reply IS NOT NULL AND receipt IS NULL) OR (state IN (2, 3) AND reply IS NULL AND receipt IS NOT NULL) OR (state = 4 AND reply IS NULL AND receipt IS NULL))
);
CREATE INDEX pair_delivery_pair ON pair_delivery (pair_id, delivery_id);
CREATE UNIQUE INDEX pair_delivery_waiting ON pair_delivery (pair_id) WHERE state = 1;

-- What the KMC has to be told, until it has said that it knows. Kind: 1 nothing yet, for a key is being asked for; 2 the key is to be revoked; 3 the subscriber has what it answered.
-- A row of kind 1 ends with the intention of its certificate, or becomes one of kind 2 when the reservation is closed.
CREATE TABLE key_task (
    key_task_id {blob(16)} NOT NULL PRIMARY KEY,
    kind smallint NOT NULL CHECK (kind IN (1, 2, 3)),
    certificate_id {blob(16)} NOT NULL REFERENCES certificate (certificate_id),
    key_serial {text(40)} NOT NULL,
    task_no {text(48)},
    tries bigint NOT NULL CHECK (tries >= 0),
    try_after bigint NOT NULL,
    added_at bigint NOT NULL,
    CHECK (kind <> 3 OR task_no IS NOT NULL)
);
CREATE INDEX key_task_certificate ON key_task (certificate_id);
CREATE UNIQUE INDEX key_task_applied ON key_task (certificate_id) WHERE kind = 1;
CREATE INDEX key_task_due ON key_task (kind, try_after);

-- Decisions of RAs to give a subscriber his key again, to another signing key; each spent once. The message to the KMC is on record before it is sent, and sent again as it is. No delivery: not answered yet.
CREATE TABLE key_recovery (
    ra_name {text(64)} NOT NULL,
    enrollment_id {text(64)} NOT NULL,
    request_id {text(64)} NOT NULL,
    pair_id {blob(16)} NOT NULL REFERENCES certificate_pair (pair_id),
    recipient_id {blob(16)} NOT NULL REFERENCES certificate (certificate_id),
    application {blob} NOT NULL,
    entry_hash {blob(32)} NOT NULL,
    entry_person {blob(16)} NOT NULL,
    review_hash {blob(32)} NOT NULL,
    review_person {blob(16)} NOT NULL,
    message {blob} NOT NULL,
    delivery_id {blob(16)} REFERENCES pair_delivery (delivery_id),
    decided_at bigint NOT NULL,
    PRIMARY KEY (ra_name, enrollment_id),
    FOREIGN KEY (entry_hash, entry_person) REFERENCES approval (approval_hash, person_id),
    FOREIGN KEY (review_hash, review_person) REFERENCES approval (approval_hash, person_id),
    CHECK (entry_person <> review_person)
);
CREATE INDEX key_recovery_pair ON key_recovery (pair_id);
