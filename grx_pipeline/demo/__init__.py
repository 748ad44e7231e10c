"""A simulated race in the raw formats, for machines without real data and for benchmarks of full size."""
