"""The report of an evaluation for people: one HTML file."""
