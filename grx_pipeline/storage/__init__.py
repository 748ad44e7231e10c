"""Reading and writing files: Parquet, DuckDB, step records. Knows no racing."""
