-- Which node does a job: see Lease.
CREATE TABLE lease (
    name {text(64)} NOT NULL PRIMARY KEY,
    holder {text(64)} NOT NULL,
    held_until bigint NOT NULL
);
