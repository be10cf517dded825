-- What Quartz 4.7 keeps its schedules in: its tables, its columns, written by it alone. Without the tables of its execution history, which is off. What is in here wakes jobs; it decides nothing.
CREATE TABLE qrtz_job_details (
    sched_name {text(120)} NOT NULL,
    job_name {text(150)} NOT NULL,
    job_group {text(150)} NOT NULL,
    description {text(500)},
    job_class_name {text(250)} NOT NULL,
    is_durable {bool} NOT NULL,
    is_nonconcurrent {bool} NOT NULL,
    is_update_data {bool} NOT NULL,
    requests_recovery {bool} NOT NULL,
    job_data {blob},
    PRIMARY KEY (sched_name, job_name, job_group)
);
CREATE INDEX qrtz_job_group ON qrtz_job_details (sched_name, job_group, job_name);

CREATE TABLE qrtz_triggers (
    sched_name {text(120)} NOT NULL,
    trigger_name {text(150)} NOT NULL,
    trigger_group {text(150)} NOT NULL,
    job_name {text(150)} NOT NULL,
    job_group {text(150)} NOT NULL,
    description {text(500)},
    next_fire_time bigint,
    prev_fire_time bigint,
    priority int,
    trigger_state {text(16)} NOT NULL,
    trigger_type {text(8)} NOT NULL,
    start_time bigint NOT NULL,
    end_time bigint,
    calendar_name {text(200)},
    misfire_instr int,
    misfire_orig_fire_time bigint,
    execution_group {text(200)},
    preferred_node {text(200)},
    preferred_node_auto {bool} NOT NULL,
    retry_policy {text(250)},
    retry_attempt int,
    continues_trigger_name {text(150)},
    continues_trigger_group {text(150)},
    continuation_condition int,
    overlap_policy int,
    pause_reason {text(250)},
    paused_by {text(200)},
    paused_at bigint,
    misfire_threshold bigint,
    fixed_delay {bool},
    job_data {blob},
    PRIMARY KEY (sched_name, trigger_name, trigger_group),
    FOREIGN KEY (sched_name, job_name, job_group) REFERENCES qrtz_job_details (sched_name, job_name, job_group)
);
CREATE INDEX qrtz_trigger_job ON qrtz_triggers (sched_name, job_name, job_group);
CREATE INDEX qrtz_trigger_group ON qrtz_triggers (sched_name, trigger_group, trigger_name);
CREATE INDEX qrtz_trigger_calendar ON qrtz_triggers (sched_name, calendar_name);
CREATE INDEX qrtz_trigger_due ON qrtz_triggers (sched_name, trigger_state, next_fire_time, priority DESC, misfire_instr);

CREATE TABLE qrtz_simple_triggers (
    sched_name {text(120)} NOT NULL,
    trigger_name {text(150)} NOT NULL,
    trigger_group {text(150)} NOT NULL,
    repeat_count bigint NOT NULL,
    repeat_interval bigint NOT NULL,
    times_triggered bigint NOT NULL,
    PRIMARY KEY (sched_name, trigger_name, trigger_group),
    FOREIGN KEY (sched_name, trigger_name, trigger_group) REFERENCES qrtz_triggers (sched_name, trigger_name, trigger_group) ON DELETE CASCADE
);

CREATE TABLE qrtz_cron_triggers (
    sched_name {text(120)} NOT NULL,
    trigger_name {text(150)} NOT NULL,
    trigger_group {text(150)} NOT NULL,
    cron_expression {text(250)} NOT NULL,
    time_zone_id {text(80)},
    PRIMARY KEY (sched_name, trigger_name, trigger_group),
    FOREIGN KEY (sched_name, trigger_name, trigger_group) REFERENCES qrtz_triggers (sched_name, trigger_name, trigger_group) ON DELETE CASCADE
);

CREATE TABLE qrtz_simprop_triggers (
    sched_name {text(120)} NOT NULL,
    trigger_name {text(150)} NOT NULL,
    trigger_group {text(150)} NOT NULL,
    str_prop_1 {text(512)},
    str_prop_2 {text(512)},
    str_prop_3 {text(512)},
    int_prop_1 int,
    int_prop_2 int,
    long_prop_1 bigint,
    long_prop_2 bigint,
    dec_prop_1 numeric(13, 4),
    dec_prop_2 numeric(13, 4),
    bool_prop_1 {bool},
    bool_prop_2 {bool},
    time_zone_id {text(80)},
    PRIMARY KEY (sched_name, trigger_name, trigger_group),
    FOREIGN KEY (sched_name, trigger_name, trigger_group) REFERENCES qrtz_triggers (sched_name, trigger_name, trigger_group) ON DELETE CASCADE
);

CREATE TABLE qrtz_blob_triggers (
    sched_name {text(120)} NOT NULL,
    trigger_name {text(150)} NOT NULL,
    trigger_group {text(150)} NOT NULL,
    blob_data {blob},
    PRIMARY KEY (sched_name, trigger_name, trigger_group),
    FOREIGN KEY (sched_name, trigger_name, trigger_group) REFERENCES qrtz_triggers (sched_name, trigger_name, trigger_group) ON DELETE CASCADE
);

CREATE TABLE qrtz_calendars (
    sched_name {text(120)} NOT NULL,
    calendar_name {text(200)} NOT NULL,
    calendar {blob} NOT NULL,
    PRIMARY KEY (sched_name, calendar_name)
);

CREATE TABLE qrtz_paused_trigger_grps (
    sched_name {text(120)} NOT NULL,
    trigger_group {text(150)} NOT NULL,
    pause_reason {text(250)},
    paused_by {text(200)},
    paused_at bigint,
    PRIMARY KEY (sched_name, trigger_group)
);

CREATE TABLE qrtz_paused_job_grps (
    sched_name {text(120)} NOT NULL,
    job_group {text(150)} NOT NULL,
    pause_reason {text(250)},
    paused_by {text(200)},
    paused_at bigint,
    PRIMARY KEY (sched_name, job_group)
);

-- What runs at present, and on which node.
CREATE TABLE qrtz_fired_triggers (
    sched_name {text(120)} NOT NULL,
    entry_id {text(140)} NOT NULL,
    trigger_name {text(150)} NOT NULL,
    trigger_group {text(150)} NOT NULL,
    instance_name {text(200)} NOT NULL,
    fired_time bigint NOT NULL,
    sched_time bigint NOT NULL,
    priority int NOT NULL,
    state {text(16)} NOT NULL,
    job_name {text(150)},
    job_group {text(150)},
    is_nonconcurrent {bool},
    requests_recovery {bool},
    execution_group {text(200)},
    progress int,
    progress_message {text(250)},
    interrupt_requested_time bigint,
    PRIMARY KEY (sched_name, entry_id)
);
CREATE INDEX qrtz_fired_instance ON qrtz_fired_triggers (sched_name, instance_name, requests_recovery);
CREATE INDEX qrtz_fired_job ON qrtz_fired_triggers (sched_name, job_name, job_group);
CREATE INDEX qrtz_fired_trigger ON qrtz_fired_triggers (sched_name, trigger_name, trigger_group);

-- The nodes, and when each last said that it is alive.
CREATE TABLE qrtz_scheduler_state (
    sched_name {text(120)} NOT NULL,
    instance_name {text(200)} NOT NULL,
    last_checkin_time bigint NOT NULL,
    checkin_interval bigint NOT NULL,
    quartz_version {text(20)},
    PRIMARY KEY (sched_name, instance_name)
);

CREATE TABLE qrtz_locks (
    sched_name {text(120)} NOT NULL,
    lock_name {text(40)} NOT NULL,
    PRIMARY KEY (sched_name, lock_name)
);
