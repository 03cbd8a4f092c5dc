"""The platform's memory: versions, gates, releases, loop runs, keys and feedback rows, in one SQL store.

`open_store` gives a `Store`; the other modules are functions that take it. SQLite and PostgreSQL behave the same.
"""

from polyloop.registry.store import Store, open_store

__all__ = ["Store", "open_store"]
