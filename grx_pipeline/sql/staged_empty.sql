-- What `staged` looks like where a session has no telemetry file, and the order of its columns where it has.
CREATE TABLE staged_empty (
    file_number INTEGER,
    row_number BIGINT,
    vehicle_id VARCHAR,
    logger_lap INTEGER,
    received_at_ms BIGINT,
    ecu_ms BIGINT,
    channel TINYINT,
    unknown_name VARCHAR,
    value DOUBLE,
    broken_list VARCHAR,
    is_good BOOLEAN
)
