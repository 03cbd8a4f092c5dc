"""The demonstration: corpora that the project writes itself, and simulated users with their own habits."""
