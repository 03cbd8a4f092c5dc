"""Ray job: answer the rows of files with a version of a task. The same command goes on with a job that was killed.

ray job submit --working-dir . -- python jobs/predict.py sentiment --spec docs/examples/quickstart.yaml \
    --input reviews.csv --output answers --column input=review
"""

from polyloop.cli.jobs import run_job

if __name__ == "__main__":
    run_job("model", "predict")
