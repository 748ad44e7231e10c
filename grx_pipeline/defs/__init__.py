"""Dagster at the rim: assets, checks, resources. Computes nothing itself."""
