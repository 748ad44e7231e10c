-- Lines that could not be read, once each: DuckDB reports every broken field of a line.
SELECT
    {file} AS file,
    {kind} AS kind,
    line::BIGINT AS line_number,
    NULL::BIGINT AS row_number,
    replace(lower(first(error_type::VARCHAR ORDER BY column_idx, error_type)), ' ', '_') AS reason,
    concat_ws(': ', first(column_name ORDER BY column_idx, error_type),
        split_part(first(error_message ORDER BY column_idx, error_type), chr(10), 1)) AS detail,
    trim(coalesce(first(csv_line ORDER BY column_idx, error_type), ''), chr(10) || chr(13)) AS raw_text
FROM {rejects} GROUP BY line ORDER BY line
