"""One file a schema change, each naming the one before it."""
