"""The `polyloop` command: noun-verb commands, data on stdout, messages and progress on stderr."""
