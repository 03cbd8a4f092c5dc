"""Sweeps: many short trainings of a task with other settings, of which the best goes into a spec."""
