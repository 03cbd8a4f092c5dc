"""How many replicas a task wants: by the calls that it has in hand, of which a hop may hold several.

Input: what Serve's controller knows of a deployment, with the figure that each replica reports of itself. Output: the
number that would bring the calls a replica has in hand to `target_ongoing_requests`; bounds, delays and the way up from
none are Serve's own. Serve alone would count hops.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ray.serve.config import AutoscalingContext

CALLS = "calls"
"""Name of the figure: calls that a replica has taken and not answered."""
POLICY = "polyloop.serving.scaling:replicas_for_calls"
"""Import path of the policy, for a Serve config."""


def replicas_for_calls(context: "AutoscalingContext") -> tuple[float, dict[str, Any]]:
    """Return the number of replicas that the calls in hand ask for, before bounds and delays; no state is kept.

    What waits at the routers is told in hops, which are then at least as many calls. A replica that has not reported
    yet counts by its hops.
    """
    config: Any = context.config  # which Serve always gives
    told = (context.aggregated_metrics or {}).get(CALLS, {})
    in_hand = sum(told.values()) + (context.total_queued_requests or 0.0)
    return max(in_hand, context.total_num_requests) / config.get_target_ongoing_requests(), {}
