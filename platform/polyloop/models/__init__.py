"""Models: built or loaded for a task, published as verified artefacts, and asked for predictions."""
