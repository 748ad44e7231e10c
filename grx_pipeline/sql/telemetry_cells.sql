-- The stamps on which a channel stands more than once: exact duplicates removed, the rest decided by rule.
-- Fast channels take the mean of a collapsed tick's values, slow ones their median, the gear a median that it had.
CREATE OR REPLACE TEMP TABLE cells AS
WITH repeated AS (
    SELECT staged.*
    FROM staged SEMI JOIN (SELECT ecu_ms FROM ticks WHERE value_count > channel_count) AS t USING (ecu_ms)
    WHERE vehicle_id = $vehicle_id AND {is_good}
), once AS (
    SELECT ecu_ms, channel, received_at_ms, logger_lap, value, count(*) AS copies
    FROM repeated GROUP BY ALL
)
SELECT
    ecu_ms,
    channel,
    sum(copies)::BIGINT AS raw_rows,
    count(*) AS value_rows,
    count(DISTINCT value) AS distinct_values,
    CASE
        WHEN channel IN ({fast_channels}) THEN avg(value ORDER BY value)
        WHEN channel = 'gear' THEN quantile_disc(value, 0.5)
        ELSE median(value)
    END AS value
FROM once GROUP BY ecu_ms, channel
