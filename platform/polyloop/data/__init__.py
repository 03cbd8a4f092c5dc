"""Datasets: read corpora, clean them, drop duplicates, split, tokenise and publish; and read the result back."""
