-- What was asked by signed messages, and what was answered: see docs/MESSAGES.md. A row is never deleted; once answered it never changes.
CREATE TABLE message_answer (
    sender_serial {text(40)} NOT NULL,
    request_id {text(64)} NOT NULL,
    request_hash {blob(32)} NOT NULL,
    -- The lines that the sender signed, and the DER of the signature: of the call that was run last.
    message {blob} NOT NULL,
    signature {blob(72)} NOT NULL,
    first_seen_at bigint NOT NULL,
    -- Which call runs it, and until when it keeps others waiting.
    run_id {blob(16)} NOT NULL,
    claimed_until bigint NOT NULL,
    -- 0 not answered, 1 by the bytes here, 2 from the rows that row_reference names.
    state smallint NOT NULL,
    answered_at bigint,
    status smallint,
    content_type {text(128)},
    body {blob},
    row_reference {text(128)},
    PRIMARY KEY (sender_serial, request_id),
    CHECK (
        (state = 0 AND answered_at IS NULL AND status IS NULL AND body IS NULL AND row_reference IS NULL)
        OR (state = 1 AND answered_at IS NOT NULL AND status IS NOT NULL AND body IS NOT NULL AND row_reference IS NULL)
        OR (state = 2 AND answered_at IS NOT NULL AND status IS NULL AND body IS NULL AND row_reference IS NOT NULL))
);
