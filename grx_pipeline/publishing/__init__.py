"""The published site as files: its manifests, its copy elsewhere, and the check that all of it is whole."""
