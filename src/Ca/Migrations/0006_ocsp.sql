-- What the feed does not tell yet: the certificate was stored, or its status has changed. Written with that; gone with the segment that tells it. What is told is how the certificate stands then.
-- It refers to nothing: whoever deletes a certificate beside the service is told of by what then waits here for ever.
CREATE TABLE ocsp_change (
    change_id {blob(16)} NOT NULL PRIMARY KEY,
    certificate_id {blob(16)} NOT NULL
){by_key};

-- All certificates in the order of their ids, piece by piece: from the first id of a slice to the first of the next. The first slice begins with sixteen zero bytes, and the service adds it.
-- signed_at 0: not yet. due_at 0: at once. leased_until: by a node that is at it.
CREATE TABLE ocsp_slice (
    first_certificate {blob(16)} NOT NULL PRIMARY KEY,
    certificates bigint NOT NULL CHECK (certificates >= 0),
    due_at bigint NOT NULL,
    signed_at bigint NOT NULL,
    leased_until bigint NOT NULL,
    added_at bigint NOT NULL
);
CREATE INDEX ocsp_slice_due ON ocsp_slice (due_at);
CREATE INDEX ocsp_slice_signed ON ocsp_slice (signed_at);

-- By which keys responses were ever signed, each with a number that never becomes another's. No certificate: the CA's own key. told_in: the segment that has told of it.
CREATE TABLE ocsp_signer (
    signer_id smallint NOT NULL PRIMARY KEY CHECK (signer_id > 0),
    authority_id smallint NOT NULL REFERENCES authority (authority_id),
    certificate {blob},
    -- SM3 of the certificate; 32 zero bytes where there is none.
    certificate_hash {blob(32)} NOT NULL,
    told_in bigint,
    added_at bigint NOT NULL,
    UNIQUE (authority_id, certificate_hash)
);

-- The feed (docs/PUBLICATION.md): each piece with the statement that was signed over it.
CREATE TABLE feed_segment (
    number bigint NOT NULL PRIMARY KEY CHECK (number > 0),
    statement {blob} NOT NULL,
    -- SM3 of what is signed of the statement: the link of the next one.
    hash {blob(32)} NOT NULL,
    content {blob} NOT NULL,
    length bigint NOT NULL,
    made_at bigint NOT NULL,
    -- Until then a response in it may be the newest of its certificate.
    keep_until bigint NOT NULL
);

-- Which certificate of a CA the feed has told of.
CREATE TABLE feed_authority (
    authority_id smallint NOT NULL PRIMARY KEY REFERENCES authority (authority_id),
    certificate_hash {blob(32)} NOT NULL,
    told_in bigint NOT NULL
);

-- CRLs that were published, and that the feed does not tell of yet.
CREATE TABLE feed_crl (
    crl_id {blob(16)} NOT NULL PRIMARY KEY REFERENCES crl (crl_id)
){by_key};
INSERT INTO feed_crl (crl_id) SELECT crl_id FROM crl WHERE state = 3 AND NOT EXISTS (
    SELECT 1 FROM crl later WHERE later.authority_id = crl.authority_id AND later.shard = crl.shard AND later.state = 3 AND later.crl_number > crl.crl_number);

-- The status of everything as of a segment, in parts. No statement: it is being made.
CREATE TABLE feed_snapshot (
    number bigint NOT NULL PRIMARY KEY CHECK (number > 0),
    statement {blob},
    parts bigint NOT NULL CHECK (parts >= 0),
    begun_at bigint NOT NULL
);
CREATE TABLE feed_snapshot_part (
    number bigint NOT NULL REFERENCES feed_snapshot (number),
    part bigint NOT NULL CHECK (part >= 0),
    content {blob} NOT NULL,
    PRIMARY KEY (number, part)
);
