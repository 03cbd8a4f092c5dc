"""The folder of a sweep: what was planned, and a folder for each trial with its config, progress and outcome.

A trial's outcome is written by one rename and is final. Limits: one driver at a time (`run` holds a lock).
"""

import json
import shutil
from dataclasses import asdict
from pathlib import Path

from polyloop.models.storage import named_storage_errors, write_bytes
from polyloop.training.config import MODEL_DIR, TrainConfig
from polyloop.training.progress import Progress, read_progress
from polyloop.training.session import PROGRESS_FILE
from polyloop.training.sweep.results import TrialOutcome
from polyloop.training.sweep.space import Trial

CONFIG_FILE = "config.json"
OUTCOME_FILE = "outcome.json"


class SweepFiles:
    """Reads and writes the folder of one sweep."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def trial_dir(self, trial: Trial) -> Path:
        """Return the folder of a trial."""
        return self.folder / trial.name

    def write_config(self, trial: Trial, config: TrainConfig) -> None:
        """Write what a trial is to train."""
        folder = self.trial_dir(trial)
        with named_storage_errors(f"to {folder}"):
            folder.mkdir(parents=True, exist_ok=True)
            _write(folder / CONFIG_FILE, config.model_dump_json(indent=2))

    def looks(self, trial: Trial) -> list[Progress]:
        """Return all looks at a trial so far."""
        return [look for look, _ in read_progress(self.trial_dir(trial) / PROGRESS_FILE)]

    def outcome(self, trial: Trial) -> TrialOutcome | None:
        """Return how a trial ended; None if it has not."""
        path = self.trial_dir(trial) / OUTCOME_FILE
        return TrialOutcome(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None

    def record(self, trial: Trial, outcome: TrialOutcome) -> None:
        """Write how a trial ended, and remove its model and checkpoints, which nothing needs any more."""
        folder = self.trial_dir(trial)
        with named_storage_errors(f"to {folder}"):
            folder.mkdir(parents=True, exist_ok=True)
            _write(folder / OUTCOME_FILE, json.dumps(asdict(outcome), ensure_ascii=False, indent=2))
        for left in (folder / MODEL_DIR, *folder.glob("checkpoint-*"), *folder.glob(".*")):
            shutil.rmtree(left, ignore_errors=True)


def _write(path: Path, text: str) -> None:
    write_bytes(path, f"{text}\n".encode())
