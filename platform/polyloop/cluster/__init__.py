"""Ray as Polyloop uses it: joining a cluster, an embedded head for one machine, jobs, and Serve applications."""
