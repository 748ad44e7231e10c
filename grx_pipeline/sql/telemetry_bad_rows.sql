-- Rows that were read but cannot become a sample, as rows of `quarantine`. Of a vehicle with a frozen clock that is
-- every row, exact duplicates left out as they are elsewhere.
WITH frozen_once AS (
    SELECT file_number, min(row_number) AS row_number
    FROM staged
    WHERE {is_frozen} AND is_good
    GROUP BY file_number, vehicle_id, ecu_ms, channel, received_at_ms, logger_lap, value
), bad AS (
    SELECT *, false AS is_frozen FROM staged WHERE NOT is_good
    UNION ALL
    SELECT staged.*, true FROM staged SEMI JOIN frozen_once USING (file_number, row_number) WHERE {is_frozen}
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
