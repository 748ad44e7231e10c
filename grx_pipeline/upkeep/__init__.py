"""Looking after what the pipeline has written: whether all of it is whole (doctor), and what can go (clean)."""
