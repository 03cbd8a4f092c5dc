"""Ray job: build the dataset of each task. The same inputs give the same digest, and no second build.

ray job submit --working-dir . -- python jobs/preprocess.py --spec docs/examples/quickstart.yaml
"""

from polyloop.cli.jobs import run_job

if __name__ == "__main__":
    run_job("corpus", "build")
