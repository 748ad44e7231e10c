"""Coaching texts from result tables: facts, the rules that write from them, a language model, and the checks on it."""
