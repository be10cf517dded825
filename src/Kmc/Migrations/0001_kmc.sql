-- CAs whose subscribers' keys are escrowed here. State: 1 served, 2 frozen.
CREATE TABLE served_ca (
    ca_id smallint NOT NULL PRIMARY KEY CHECK (ca_id > 0),
    -- As in the policy of the device.
    name {text(64)} NOT NULL UNIQUE,
    -- That of the key which signs its messages; SM3 of the key's SubjectPublicKeyInfo.
    certificate {blob} NOT NULL,
    key_hash {blob(32)} NOT NULL UNIQUE,
    -- Of the registered client over whose link it speaks.
    link_name {text(64)} NOT NULL,
    state smallint NOT NULL CHECK (state IN (1, 2)),
    -- What of retPriKey is signed: 1 the content, 2 EncryptedContentInfo. Signatures: 1 DER, 2 the 64 bytes r and s.
    signed_part smallint NOT NULL CHECK (signed_part IN (1, 2)),
    signature_form smallint NOT NULL CHECK (signature_form IN (1, 2)),
    registered_at bigint NOT NULL,
    changed_at bigint NOT NULL
);

-- Every key pair that was ever made here, its private half opaque to all but the device.
-- State: 1 stock, 2 in use, 3 history. A move adds one to state_version; the MAC is over all columns.
CREATE TABLE escrowed_key (
    key_id {blob(16)} NOT NULL PRIMARY KEY,
    state smallint NOT NULL CHECK (state IN (1, 2, 3)),
    state_version bigint NOT NULL CHECK (state_version > 0),
    -- 1 SM2
    algorithm smallint NOT NULL CHECK (algorithm = 1),
    -- SubjectPublicKeyInfo
    public_key {blob} NOT NULL,
    wrapped_key {blob} NOT NULL,
    made_at bigint NOT NULL,
    -- From the moment that it is bound: for whom, of which encryption certificate, to which signing key (SM3 of its SubjectPublicKeyInfo), for which time.
    ca_id smallint REFERENCES served_ca (ca_id),
    serial {text(40)},
    recipient {blob(32)},
    valid_from bigint,
    valid_until bigint,
    user_name {blob},
    region {text(64)},
    bound_at bigint,
    -- Why it is in history: 1 expired, 2 revoked, 3 given up.
    end_reason smallint CHECK (end_reason IN (1, 2, 3)),
    ended_at bigint,
    mac {blob(32)} NOT NULL,
    CHECK ((state = 1 AND ca_id IS NULL AND serial IS NULL AND bound_at IS NULL) OR (state IN (2, 3) AND ca_id IS NOT NULL AND serial IS NOT NULL AND recipient IS NOT NULL AND bound_at IS NOT NULL)),
    CHECK ((state = 3 AND end_reason IS NOT NULL AND ended_at IS NOT NULL) OR (state IN (1, 2) AND end_reason IS NULL AND ended_at IS NULL))
);
CREATE INDEX escrowed_key_state ON escrowed_key (state, key_id);
CREATE INDEX escrowed_key_end ON escrowed_key (state, valid_until);

-- Which key belongs to which encryption certificate, for ever: a key is bound once, and a serial number of a CA has one key.
CREATE TABLE key_binding (
    ca_id smallint NOT NULL REFERENCES served_ca (ca_id),
    serial {text(40)} NOT NULL,
    key_id {blob(16)} NOT NULL UNIQUE REFERENCES escrowed_key (key_id),
    -- The message that asked for it, and which of its requests.
    task_no {text(48)} NOT NULL,
    request_index smallint NOT NULL CHECK (request_index >= 0),
    PRIMARY KEY (ca_id, serial),
    UNIQUE (ca_id, task_no, request_index)
);
{insert_only(key_binding)};

-- Messages of GM/T 0014 by their task numbers. The reply may be erased once the subscriber has it; its hash stays.
CREATE TABLE task (
    ca_id smallint NOT NULL REFERENCES served_ca (ca_id),
    task_no {text(48)} NOT NULL,
    message_hash {blob(32)} NOT NULL,
    -- DER of CARequest, until it is answered: what the CA signed there opens the keys that it was bound to, if it asks otherwise meanwhile.
    message {blob},
    received_at bigint NOT NULL,
    -- Who is at it: until then nobody else takes it up.
    claimed_until bigint NOT NULL,
    reply {blob},
    reply_hash {blob(32)},
    answered_at bigint,
    PRIMARY KEY (ca_id, task_no)
);
