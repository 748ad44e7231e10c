SELECT
    nullif(trim(vehicle_id), '') AS vehicle_id,
    lap AS logger_lap,
    epoch_ms(meta_time) AS received_at_ms,
    epoch_ms("timestamp") AS ecu_ms,
    -- Lower letters only where the name is not as the loggers write it.
    (coalesce(list_position({raw_names}, telemetry_name), list_position({names}, lower(telemetry_name))) - 1)::TINYINT
        AS channel,
    CASE WHEN channel IS NULL THEN telemetry_name END AS unknown_name,
    telemetry_value AS value
FROM {source}
