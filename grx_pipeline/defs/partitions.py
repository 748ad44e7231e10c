"""The partition of nearly every asset: one race session, added when it is first run."""

import dagster as dg

SESSION_PARTITIONS = "session"
SESSIONS = dg.DynamicPartitionsDefinition(name=SESSION_PARTITIONS)
