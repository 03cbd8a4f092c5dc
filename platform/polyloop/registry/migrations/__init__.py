"""Alembic's folder: how the tables of a store came to be what `polyloop.registry.tables` says."""
