"""What is refused before it costs anything: keys that ask too much, and more than a task can answer in time."""
