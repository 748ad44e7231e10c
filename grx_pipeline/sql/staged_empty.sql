-- What `staged` looks like where a session has no telemetry file.
CREATE TABLE staged_empty (
    vehicle_id VARCHAR,
    logger_lap INTEGER,
    received_at_ms BIGINT,
    ecu_ms BIGINT,
    channel channel,
    unknown_name VARCHAR,
    value DOUBLE,
    broken_list VARCHAR
)
