-- A row holds a sample's values as [{{"name": ..., "value": ...}}, ...]; a row without such a list stays one row.
WITH lists AS (
    SELECT
        *,
        CASE
            WHEN json_valid("value") AND json_type("value") = 'ARRAY' AND json_array_length("value") > 0
            THEN from_json("value", '[{{"name": "VARCHAR", "value": "DOUBLE"}}]')
            ELSE [NULL]
        END AS samples
    FROM {source}
), singles AS (
    SELECT *, unnest(samples) AS sample FROM lists
)
SELECT
    nullif(trim(vehicle_id), '') AS vehicle_id,
    lap AS logger_lap,
    epoch_ms(meta_time) AS received_at_ms,
    epoch_ms("timestamp") AS ecu_ms,
    (list_position({names}, lower(sample.name)) - 1)::TINYINT AS channel,
    CASE WHEN channel IS NULL THEN sample.name END AS unknown_name,
    sample.value AS value,
    CASE WHEN sample IS NULL THEN coalesce("value", '') END AS broken_list
FROM singles
