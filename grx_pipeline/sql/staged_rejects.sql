-- Lines that could not be read, once each: DuckDB reports every broken field of a line. The reasons are those that
-- the small files have too.
SELECT
    {file} AS file,
    {kind} AS kind,
    line::BIGINT AS line_number,
    NULL::BIGINT AS row_number,
    CASE first(error_type::VARCHAR ORDER BY column_idx, error_type)
        WHEN 'CAST' THEN 'unreadable_value'
        WHEN 'MISSING COLUMNS' THEN 'too_few_fields'
        WHEN 'TOO MANY COLUMNS' THEN 'too_many_fields'
        WHEN 'INVALID ENCODING' THEN 'not_utf8'
        ELSE 'unreadable_line'
    END AS reason,
    concat_ws(': ', first(column_name ORDER BY column_idx, error_type),
        split_part(first(error_message ORDER BY column_idx, error_type), chr(10), 1)) AS detail,
    trim(coalesce(first(csv_line ORDER BY column_idx, error_type), ''), chr(10) || chr(13)) AS raw_text
FROM {rejects} GROUP BY line ORDER BY line
