"""SQL statements, one a file, read by storage/sql.py."""
