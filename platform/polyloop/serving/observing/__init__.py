"""What becomes known of a request while it is answered, and where it is told: figures, spans, log lines."""
