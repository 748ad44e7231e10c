"""DPTAD: driver performance and telemetry anomaly detection, a driver's laps against his own clean laps."""
