-- Rows that were read but cannot become a sample, as rows of `quarantine`. Of a vehicle with a frozen clock that is
-- every row, the first of exact duplicates as elsewhere; all that is told of it is what makes it one.
WITH bad AS (
    SELECT
        file_number, row_number, vehicle_id, logger_lap, received_at_ms, ecu_ms, channel, unknown_name, value,
        broken_list, false AS is_frozen
    FROM staged
    WHERE NOT is_good
    UNION ALL
    SELECT
        file_number, min(row_number), vehicle_id, logger_lap, received_at_ms, ecu_ms, channel, NULL,
        arg_min(value, row_number), NULL, true
    FROM staged
    WHERE {is_frozen} AND is_good
    GROUP BY file_number, vehicle_id, logger_lap, received_at_ms, ecu_ms, channel, value
)
SELECT
    ({files})[file_number + 1] AS file,
    ({kinds})[file_number + 1] AS kind,
    NULL::BIGINT AS line_number,
    row_number,
    CASE
        WHEN is_frozen THEN 'frozen_clock'
        WHEN vehicle_id IS NULL THEN 'no_vehicle'
        WHEN ecu_ms IS NULL THEN 'no_timestamp'
        WHEN received_at_ms IS NULL THEN 'no_receipt_time'
        WHEN broken_list IS NOT NULL THEN 'bad_json'
        WHEN channel IS NULL THEN 'unknown_channel'
        ELSE 'no_number'
    END AS reason,
    coalesce('channel ' || unknown_name, '') AS detail,
    concat_ws(
        ',', vehicle_id, logger_lap, make_timestamp(received_at_ms * 1000), make_timestamp(ecu_ms * 1000),
        coalesce(({names})[channel + 1], unknown_name), value, broken_list
    ) AS raw_text
FROM bad
ORDER BY file_number, row_number
