"""Benchmark `serve`: the platform as it is deployed, beside other servers with the same models on the same machine."""
