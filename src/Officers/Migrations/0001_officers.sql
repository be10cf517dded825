-- SM4 keys that seal personal data, each wrapped by the HSM.
CREATE TABLE data_key (
    data_key_id {blob(16)} NOT NULL PRIMARY KEY,
    wrapped_key {blob} NOT NULL,
    created_at bigint NOT NULL
);
{insert_only(data_key)};

-- Proves at start that the HSM's key for the index of ID numbers is the one that this database was filled with: HMAC of a fixed text.
CREATE TABLE person_index_key (
    index_key_number smallint NOT NULL PRIMARY KEY CHECK (index_key_number = 1),
    check_value {blob(32)} NOT NULL
);
{insert_only(person_index_key)};

-- A natural person, once, whatever he does: the index is a keyed hash of his ID number.
CREATE TABLE person (
    person_id {blob(16)} NOT NULL PRIMARY KEY,
    id_number_index {blob(32)} NOT NULL UNIQUE,
    id_number_sealed {blob} NOT NULL,
    name_sealed {blob} NOT NULL,
    data_key_id {blob(16)} NOT NULL REFERENCES data_key (data_key_id),
    enrolled_at bigint NOT NULL
);

-- One kind of office for a person, for good: 0 administrator, 1 operator, 2 auditor.
CREATE TABLE person_role (
    person_id {blob(16)} NOT NULL PRIMARY KEY REFERENCES person (person_id),
    kind smallint NOT NULL CHECK (kind IN (0, 1, 2)),
    UNIQUE (person_id, kind)
);
{insert_only(person_role)};

-- Roles and who creates whom, as RoleCatalogue has them.
CREATE TABLE officer_role (
    name {text(64)} NOT NULL PRIMARY KEY,
    kind smallint NOT NULL CHECK (kind IN (0, 1, 2)),
    is_top smallint NOT NULL CHECK (is_top IN (0, 1)),
    CHECK (is_top = 0 OR kind <> 1),
    UNIQUE (name, kind, is_top)
);
{insert_only(officer_role)};

CREATE TABLE role_creation (
    creator_role {text(64)} NOT NULL,
    creator_kind smallint NOT NULL,
    creator_is_top smallint NOT NULL,
    role {text(64)} NOT NULL,
    kind smallint NOT NULL,
    is_top smallint NOT NULL,
    PRIMARY KEY (creator_role, role),
    FOREIGN KEY (creator_role, creator_kind, creator_is_top) REFERENCES officer_role (name, kind, is_top),
    FOREIGN KEY (role, kind, is_top) REFERENCES officer_role (name, kind, is_top),
    CHECK (is_top = 0),
    CHECK (creator_role <> role),
    CHECK ((creator_kind = 0 AND kind IN (0, 1)) OR (creator_kind = 2 AND kind = 2))
);
{insert_only(role_creation)};

-- GB/T 2260 nests by prefix: 000000 the nation, xx0000 a province, xxxx00 a city, any other a county.
CREATE TABLE region (
    code {text(6)} NOT NULL PRIMARY KEY,
    level smallint NOT NULL,
    parent {text(6)} REFERENCES region (code),
    name {text(256)} NOT NULL,
    CHECK (code LIKE '______'),
    CHECK ((level = 0 AND code = '000000')
        OR (level = 1 AND code LIKE '%0000' AND code <> '000000')
        OR (level = 2 AND code LIKE '%00' AND code NOT LIKE '%0000')
        OR (level = 3 AND code NOT LIKE '%00')),
    CHECK ((level = 0 AND parent IS NULL)
        OR (level > 0 AND parent IS NOT NULL AND parent <> code
            AND (parent = '000000'
                OR (parent LIKE '%0000' AND SUBSTRING(code, 1, 2) = SUBSTRING(parent, 1, 2))
                OR (parent LIKE '%00' AND SUBSTRING(code, 1, 4) = SUBSTRING(parent, 1, 4)))))
);

-- The ceremony that begins everything: it names both, or there is nobody. A repetition has the next number.
CREATE TABLE initialisation (
    initialisation_number smallint NOT NULL PRIMARY KEY CHECK (initialisation_number > 0),
    super_officer_id {blob(16)} NOT NULL,
    super_person_id {blob(16)} NOT NULL,
    super_kind smallint NOT NULL CHECK (super_kind = 0),
    audit_officer_id {blob(16)} NOT NULL,
    audit_person_id {blob(16)} NOT NULL,
    audit_kind smallint NOT NULL CHECK (audit_kind = 2),
    initialised_at bigint NOT NULL,
    CHECK (super_person_id <> audit_person_id),
    CHECK (super_officer_id <> audit_officer_id),
    UNIQUE (initialisation_number, super_officer_id, super_person_id),
    UNIQUE (initialisation_number, audit_officer_id, audit_person_id),
    FOREIGN KEY (super_person_id, super_kind) REFERENCES person_role (person_id, kind),
    FOREIGN KEY (audit_person_id, audit_kind) REFERENCES person_role (person_id, kind)
);
{insert_only(initialisation)};

-- What an officer proposed to the service. State: 0 proposed, 1 done, 2 rejected, 3 withdrawn.
CREATE TABLE officer_command (
    command_id {blob(16)} NOT NULL PRIMARY KEY,
    action {text(64)} NOT NULL,
    state smallint NOT NULL CHECK (state IN (0, 1, 2, 3)),
    application {blob} NOT NULL,
    proposal {blob} NOT NULL,
    proposer_person_id {blob(16)} NOT NULL REFERENCES person_role (person_id),
    proposer_serial {text(40)} NOT NULL,
    proposed_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    UNIQUE (command_id, proposer_person_id),
    CHECK (expires_at > proposed_at)
);
CREATE INDEX officer_command_state ON officer_command (state, command_id);

-- The second person's decision, which also spends the command: one row for a command, for ever.
CREATE TABLE command_review (
    command_id {blob(16)} NOT NULL PRIMARY KEY,
    proposer_person_id {blob(16)} NOT NULL,
    approver_person_id {blob(16)} NOT NULL REFERENCES person_role (person_id),
    approver_serial {text(40)} NOT NULL,
    review {blob} NOT NULL,
    reviewed_at bigint NOT NULL,
    UNIQUE (command_id, proposer_person_id, approver_person_id),
    CHECK (approver_person_id <> proposer_person_id),
    FOREIGN KEY (command_id, proposer_person_id) REFERENCES officer_command (command_id, proposer_person_id)
);
{insert_only(command_review)};

-- 0: created here. The migrations of an RA add 1: created at the CA, whose registry has the rest.
CREATE TABLE officer_origin (
    origin smallint NOT NULL PRIMARY KEY CHECK (origin IN (0, 1))
);
INSERT INTO officer_origin (origin) VALUES (0);

-- A person in office. The certificate says what he is; this row must agree with it, and can only take away.
CREATE TABLE officer (
    officer_id {blob(16)} NOT NULL PRIMARY KEY,
    origin smallint NOT NULL REFERENCES officer_origin (origin),
    person_id {blob(16)} NOT NULL,
    kind smallint NOT NULL,
    role {text(64)} NOT NULL,
    is_top smallint NOT NULL,
    region {text(6)} NOT NULL REFERENCES region (code),
    super_of smallint,
    audit_of smallint,
    created_under smallint REFERENCES initialisation (initialisation_number),
    creator_id {blob(16)},
    creator_person_id {blob(16)},
    creator_role {text(64)},
    creator_region {text(6)},
    command_id {blob(16)},
    approver_person_id {blob(16)},
    certificate_serial {text(40)} NOT NULL UNIQUE,
    certificate {blob} NOT NULL,
    enabled smallint NOT NULL CHECK (enabled IN (0, 1)),
    certified_until bigint NOT NULL,
    created_at bigint NOT NULL,
    UNIQUE (officer_id, person_id, role, region),
    FOREIGN KEY (person_id, kind) REFERENCES person_role (person_id, kind),
    FOREIGN KEY (role, kind, is_top) REFERENCES officer_role (name, kind, is_top),
    FOREIGN KEY (super_of, officer_id, person_id) REFERENCES initialisation (initialisation_number, super_officer_id, super_person_id),
    FOREIGN KEY (audit_of, officer_id, person_id) REFERENCES initialisation (initialisation_number, audit_officer_id, audit_person_id),
    FOREIGN KEY (creator_id, creator_person_id, creator_role, creator_region) REFERENCES officer (officer_id, person_id, role, region),
    FOREIGN KEY (creator_role, role) REFERENCES role_creation (creator_role, role),
    FOREIGN KEY (command_id, creator_person_id, approver_person_id)
        REFERENCES command_review (command_id, proposer_person_id, approver_person_id),
    CHECK (
        (is_top = 1 AND origin = 0 AND ((kind = 0 AND super_of IS NOT NULL AND audit_of IS NULL) OR (kind = 2 AND super_of IS NULL AND audit_of IS NOT NULL))
            AND created_under IS NULL AND creator_id IS NULL AND creator_person_id IS NULL AND creator_role IS NULL AND creator_region IS NULL
            AND command_id IS NULL AND approver_person_id IS NULL)
        OR (is_top = 0 AND origin = 0 AND super_of IS NULL AND audit_of IS NULL
            AND created_under IS NOT NULL AND creator_id IS NOT NULL AND creator_person_id IS NOT NULL AND creator_role IS NOT NULL
            AND creator_region IS NOT NULL AND command_id IS NOT NULL AND approver_person_id IS NOT NULL)
        OR (is_top = 0 AND origin = 1 AND super_of IS NULL AND audit_of IS NULL
            AND created_under IS NULL AND creator_id IS NULL AND creator_person_id IS NULL AND creator_role IS NULL AND creator_region IS NULL
            AND command_id IS NULL AND approver_person_id IS NULL)),
    CHECK (creator_person_id <> person_id),
    CHECK (approver_person_id <> person_id),
    CHECK (creator_region IS NULL OR creator_region = region OR creator_region = '000000'
        OR (creator_region LIKE '%0000' AND SUBSTRING(region, 1, 2) = SUBSTRING(creator_region, 1, 2))
        OR (creator_region LIKE '%00' AND SUBSTRING(region, 1, 4) = SUBSTRING(creator_region, 1, 4)))
);

CREATE UNIQUE INDEX officer_command_id ON officer (command_id) WHERE command_id IS NOT NULL;

-- One enabled officer for a person; one enabled officer in each of the two highest roles.
CREATE UNIQUE INDEX officer_person_enabled ON officer (person_id) WHERE enabled = 1;
CREATE UNIQUE INDEX officer_top_enabled ON officer (role) WHERE enabled = 1 AND is_top = 1;

-- Who was disabled stays disabled, whatever becomes of the column: he comes back as a new officer.
CREATE TABLE officer_disabling (
    officer_id {blob(16)} NOT NULL PRIMARY KEY REFERENCES officer (officer_id),
    disabled_by {text(40)} NOT NULL,
    reason {text(256)} NOT NULL,
    disabled_at bigint NOT NULL
);
{insert_only(officer_disabling)};
