"""Cleaning steps: each is one small file, looks at one row and changes it or says why it goes."""
