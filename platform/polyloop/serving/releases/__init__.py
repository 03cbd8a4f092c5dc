"""Releases over HTTP: what each task serves, and changes of it."""
