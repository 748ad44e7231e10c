-- One row a stamp of one vehicle. value_count > channel_count says that a channel stands on the stamp twice.
CREATE OR REPLACE TEMP TABLE ticks AS
SELECT
    ecu_ms,
    min(received_at_ms) AS received_at_ms,
    min(logger_lap) AS logger_lap,
    count(*) AS value_count,
    bit_count(bit_or(1::USMALLINT << enum_code(channel)::USMALLINT)) AS channel_count,
    {channel_columns}
FROM staged
WHERE vehicle_id = $vehicle_id AND {is_good}
GROUP BY ecu_ms
