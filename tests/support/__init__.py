"""Builders of small honest raw files and tables that several tests share."""
