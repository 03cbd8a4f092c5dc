"""Small standard servers of others, run by path in an environment of their own: nothing here imports Polyloop."""
