"""The JSON contract and its HTML renderer. Computes no result."""
