"""Benchmarks: each compares Polyloop with a named peer in the same run on the same machine."""
