"""Ray job: train and publish a version of a task, without releasing it. The same inputs make no second version.

ray job submit --working-dir . -- python jobs/train.py --spec docs/examples/quickstart.yaml --task sentiment
"""

from polyloop.cli.jobs import run_job

if __name__ == "__main__":
    run_job("model", "train")
