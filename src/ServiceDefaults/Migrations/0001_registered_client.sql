-- Which link certificates may speak to this service: read at each request.
CREATE TABLE registered_client (
    thumbprint {text(64)} NOT NULL PRIMARY KEY,
    name {text(64)} NOT NULL,
    kind smallint NOT NULL,
    enabled smallint NOT NULL,
    registered_at bigint NOT NULL,
    changed_at bigint NOT NULL,
    CHECK (enabled IN (0, 1))
);
CREATE INDEX registered_client_name ON registered_client (name, thumbprint);
