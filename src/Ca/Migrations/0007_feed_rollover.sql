-- Which segments of the feed name a next key: what follows such a segment is signed with that one. Written with the segment, and kept when that is deleted. Keys as statements name them: SM3 of the
-- SubjectPublicKeyInfo. A key that the feed has left does not come back.
CREATE TABLE feed_rollover (
    number bigint NOT NULL PRIMARY KEY CHECK (number > 0),
    old_key_id {blob(32)} NOT NULL UNIQUE,
    new_key_id {blob(32)} NOT NULL UNIQUE,
    rolled_at bigint NOT NULL
);
{insert_only(feed_rollover)};
