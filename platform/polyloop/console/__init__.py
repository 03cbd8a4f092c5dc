"""The web console: one page at /console that talks to the platform's own HTTP API."""
