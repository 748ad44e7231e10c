-- The vehicle's samples in the order of its clock. A tick of n values is placed in the middle of the n steps it
-- stands for, and never before the middle of the gap that precedes it.
WITH decided AS (
    SELECT
        ecu_ms,
        max(distinct_values) FILTER (channel IN ({fast_channels})) AS tick_values,
        {channel_columns}
    FROM cells GROUP BY ecu_ms
), joined AS (
    SELECT
        ecu_ms,
        received_at_ms,
        logger_lap,
        coalesce(decided.tick_values, 1) AS tick_values,
        {joined_columns},
        coalesce(ecu_ms - lag(ecu_ms) OVER (ORDER BY ecu_ms), 0) AS gap_ms
    FROM ticks LEFT JOIN decided USING (ecu_ms)
)
SELECT
    ecu_ms - least((tick_values - 1) * $fast_step_ms / 2, gap_ms / 2) AS sample_ms,
    ecu_ms,
    received_at_ms,
    logger_lap,
    tick_values::INTEGER AS tick_values,
    {columns}
FROM joined ORDER BY ecu_ms
