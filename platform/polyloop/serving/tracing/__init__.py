"""Traces of requests through router, replica and model, by OpenTelemetry; off unless its variables ask for them."""
