"""Ray job: evaluate a version beside the champion and print what the gate would decide.

ray job submit --working-dir . -- python jobs/evaluate.py --spec docs/examples/quickstart.yaml --task sentiment
"""

from polyloop.cli.jobs import run_job

if __name__ == "__main__":
    run_job("model", "evaluate")
