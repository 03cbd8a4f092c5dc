"""Lets `python -m polyloop` be the `polyloop` command, which jobs on a cluster use."""

from polyloop.cli.main import main

if __name__ == "__main__":
    main()
