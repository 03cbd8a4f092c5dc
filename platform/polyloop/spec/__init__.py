"""The spec: polyloop.yaml as frozen, typed objects, and the settings that the environment gives."""

from polyloop.spec.loader import LoadedSpec, load_spec

__all__ = ["LoadedSpec", "load_spec"]
