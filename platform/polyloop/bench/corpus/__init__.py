"""Benchmark `corpus`: Polyloop's cleaning and deduplication beside datatrove's and datasketch's on the same text."""
