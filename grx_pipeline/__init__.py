"""Post-race analysis for GR Cup teams: raw files to Parquet, to DuckDB, to static reports."""
