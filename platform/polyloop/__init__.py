"""Polyloop: task models that get better from their users' feedback, on Ray.

Importing the package does nothing visible; start from the `polyloop` command or from `polyloop.spec.load_spec`.
"""

__version__ = "0.1.0"
