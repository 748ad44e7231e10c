SELECT
    nullif(trim(vehicle_id), '') AS vehicle_id,
    lap AS logger_lap,
    epoch_ms(meta_time) AS received_at_ms,
    epoch_ms("timestamp") AS ecu_ms,
    TRY_CAST(lower(telemetry_name) AS channel) AS channel,
    CASE WHEN TRY_CAST(lower(telemetry_name) AS channel) IS NULL THEN telemetry_name END AS unknown_name,
    telemetry_value AS value,
    NULL::VARCHAR AS broken_list
FROM {source}
