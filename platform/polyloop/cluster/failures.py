"""What Ray's clients raise, as one line of ours.

Input: a call to one of Ray's clients. Output: its result, or a ClusterError that tells a cluster that is not there from
one that refused what was asked.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from polyloop.errors import ClusterError, first_line

UNREACHABLE = (ConnectionError, TimeoutError)


@contextmanager
def named_cluster_failures(cluster: str) -> Iterator[None]:
    """Turn what Ray's clients raise inside the block into a ClusterError about `cluster`."""
    # Imported when needed: whoever calls a client of Ray has loaded it already.
    import requests
    from ray.exceptions import AuthenticationError, RayError

    try:
        yield
    except (*UNREACHABLE, requests.ConnectionError, requests.Timeout) as error:
        raise ClusterError(
            f"no Ray cluster answers at {cluster} ({first_line(error)}); start one with `polyloop up` or "
            "`ray start --head`"
        ) from None
    except AuthenticationError:
        raise ClusterError(
            f"the token for the Ray cluster at {cluster} is missing or wrong; "
            "set RAY_AUTH_TOKEN to the cluster's token, or on a new machine run `ray get-auth-token --generate`"
        ) from None
    except (OSError, RuntimeError, ValueError, RayError) as error:
        raise ClusterError(f"the Ray cluster at {cluster} refused: {first_line(error)}") from None
