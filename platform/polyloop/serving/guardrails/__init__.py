"""Guardrails: what is looked for in what users send and models write, and what becomes of it."""
