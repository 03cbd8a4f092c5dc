"""Asks the replicas on a router's own node over sockets, where a hop of Serve's would cost more than the model."""
