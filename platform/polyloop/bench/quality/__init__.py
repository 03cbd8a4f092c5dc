"""Benchmark `quality`: what models of the example specs reach on public data, beside published figures."""
