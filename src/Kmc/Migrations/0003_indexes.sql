-- Keys of one CA page by page, and those that ended before a time.
CREATE INDEX escrowed_key_ca ON escrowed_key (ca_id, key_id);
CREATE INDEX escrowed_key_ended ON escrowed_key (state, ended_at);
