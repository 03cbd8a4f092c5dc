"""The HTTP door: router, one deployment per task, feedback collector, and what they share (keys, limits, errors)."""
