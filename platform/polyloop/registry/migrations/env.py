"""Alembic's entry: run the migrations on the connection that `polyloop.registry.migrate` hands over.

Input: `config.attributes["connection"]`, inside a write transaction that the caller commits. Run only by Alembic.
"""

from alembic import context

from polyloop.registry.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
