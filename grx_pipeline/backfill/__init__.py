"""Many sessions at once: worker processes on this machine, or over a dask cluster. How a session runs is runner's."""
