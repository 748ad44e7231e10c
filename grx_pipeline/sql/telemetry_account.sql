-- How one vehicle's usable rows became samples: those on stamps without repetition, and those decided in `cells`.
SELECT
    (SELECT coalesce(sum(value_count) FILTER (value_count = channel_count), 0) FROM ticks)::BIGINT + count(*) AS kept,
    coalesce(sum(raw_rows - value_rows), 0)::BIGINT AS exact_duplicates,
    coalesce(sum(value_rows - 1), 0)::BIGINT AS merged,
    coalesce(sum(raw_rows) FILTER (distinct_values > 1), 0)::BIGINT AS conflict_rows,
    (SELECT count(*) FROM ticks) AS stamps,
    (SELECT min(ecu_ms) FROM ticks) AS first_ecu_ms,
    (SELECT max(ecu_ms) FROM ticks) AS last_ecu_ms
FROM cells
