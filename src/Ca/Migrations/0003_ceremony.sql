-- By what the CA has certified before officers said anything: only what no RA asked for, which is little.
CREATE INDEX certificate_profile ON certificate (profile_hash, certificate_id) WHERE ra_name IS NULL;
