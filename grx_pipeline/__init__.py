"""Post-race analysis for GR Cup teams: raw files to Parquet, to DuckDB, to static reports."""

import os

# Before numpy is loaded: the matrices here are too small to share, and BLAS threads that wait for work spin, 0.7 s of
# CPU a race. One thread also adds in one order, whatever the machine.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
