-- A certificate that speaks for nobody any more: its officer was disabled, or has another. By its serial number and not by the officer's row, which can be
-- written anew around the same certificate.
CREATE TABLE ended_certificate (
    certificate_serial {text(40)} NOT NULL PRIMARY KEY,
    ended_at bigint NOT NULL
);
{insert_only(ended_certificate)};
INSERT INTO ended_certificate (certificate_serial, ended_at)
SELECT o.certificate_serial, d.disabled_at FROM officer_disabling d JOIN officer o ON o.officer_id = d.officer_id;

-- What a command came to, once: 1 done, 2 rejected, 3 withdrawn. Whoever sets its state back has not opened it again.
CREATE TABLE ended_command (
    command_id {blob(16)} NOT NULL PRIMARY KEY REFERENCES officer_command (command_id),
    state smallint NOT NULL CHECK (state IN (1, 2, 3)),
    ended_at bigint NOT NULL
);
{insert_only(ended_command)};
INSERT INTO ended_command (command_id, state, ended_at)
SELECT command_id, state, proposed_at FROM officer_command WHERE state <> 0;

-- Who changes the index of his row is found to be new, and becomes a second person.
{insert_only(person)};
