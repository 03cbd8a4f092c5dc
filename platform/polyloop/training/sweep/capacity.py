"""How many trials run at once, and with how many threads each (pure)."""

from collections.abc import Mapping

from polyloop.errors import TrainingError


def trials_at_once(
    cluster: Mapping[str, float], per_trial: Mapping[str, float], *, num_trials: int, wanted: int | None
) -> int:
    """Return how many trials the cluster's resources hold at once, at most `wanted` and `num_trials`.

    TrainingError where it does not hold a single one: it would wait for ever.
    """
    for name, needed in per_trial.items():
        if needed > cluster.get(name, 0.0):
            raise TrainingError(
                f"a trial needs {needed:g} {name}, and the cluster has {cluster.get(name, 0.0):g}; "
                + ("lower `cpus_per_worker`, or add nodes" if name == "CPU" else "set `use_gpu: false`, or add nodes")
            )
    hold = min(int(cluster[name] // needed) for name, needed in per_trial.items())
    return max(1, min(hold, num_trials, wanted or hold))


def threads_of_trial(wanted: int, *, cores: int, at_once: int, num_nodes: int) -> int:
    """Return the threads of a trial: those that the spec asks for, or its part of a node's cores."""
    on_a_node = -(-at_once // max(1, num_nodes))
    return wanted or max(1, cores // on_a_node)
