"""One module per floor of the lineage; an asset body resolves paths and calls one step."""
