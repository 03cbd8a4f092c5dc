"""Ray job: one turn of the loop: curate, build, train, evaluate, gate, promote. With nothing new, it says so.

ray job submit --working-dir . -- python jobs/retrain.py --spec docs/examples/quickstart.yaml --task sentiment
"""

from polyloop.cli.jobs import run_job

if __name__ == "__main__":
    run_job("loop", "run")
