"""Every table of the store: releases, versions, gates, runs, keys, presence, inferences, shadow answers, feedback.

The migrations in `registry/migrations` must give exactly this metadata (a test compares them). Names of constraints
follow one convention, so that later migrations can name what they change. Queries live beside their meaning, in the
modules of `polyloop.registry` and `polyloop.feedback`.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    UniqueConstraint,
    Uuid,
    text,
)

from polyloop.registry.columns import PlainText, UtcDateTime

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

secrets = Table(
    "secrets",
    metadata,
    Column("name", PlainText, primary_key=True),
    Column("value", LargeBinary, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)
"""Keys of the platform itself, such as the one that signs inference ids."""

api_keys = Table(
    "api_keys",
    metadata,
    Column("key_id", PlainText, primary_key=True),
    Column("name", PlainText, nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("secret_sha256", LargeBinary, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("revoked_at", UtcDateTime),
    Column("limits", JSON(none_as_null=True)),
)

datasets = Table(
    "datasets",
    metadata,
    Column("task", PlainText, primary_key=True),
    Column("digest", PlainText, primary_key=True),
    Column("path", PlainText, nullable=False),
    Column("holdout_digest", PlainText, nullable=False),
    Column("spec_digest", PlainText, nullable=False),
    Column("num_rows", JSON, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

versions = Table(
    "versions",
    metadata,
    Column("task", PlainText, primary_key=True),
    Column("version", PlainText, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("training_digest", PlainText, nullable=False),
    Column("dataset_digest", PlainText, nullable=False),
    Column("holdout_digest", PlainText, nullable=False),
    Column("spec_digest", PlainText, nullable=False),
    Column("parent", PlainText),
    Column("path", PlainText),
    Column("size_bytes", BigInteger),
    Column("metrics", JSON, nullable=False),
    Column("state", PlainText, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("task", "number"),
    UniqueConstraint("task", "training_digest"),
    ForeignKeyConstraint(["task", "parent"], ["versions.task", "versions.version"]),
    CheckConstraint("state IN ('training', 'published', 'failed', 'rejected')", name="state"),
    CheckConstraint("state NOT IN ('published', 'rejected') OR path IS NOT NULL", name="published_has_path"),
)

gates = Table(
    "gates",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("task", PlainText, nullable=False),
    Column("candidate", PlainText, nullable=False),
    Column("champion", PlainText),
    Column("passed", Boolean, nullable=False),
    Column("checks", JSON, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    ForeignKeyConstraint(["task", "candidate"], ["versions.task", "versions.version"]),
    ForeignKeyConstraint(["task", "champion"], ["versions.task", "versions.version"]),
    Index(None, "task", "candidate"),
)

releases = Table(
    "releases",
    metadata,
    Column("task", PlainText, primary_key=True),
    Column("champion", PlainText),
    Column("previous", PlainText),
    Column("preload", PlainText),
    Column("canary", PlainText),
    Column("canary_weight", Float, nullable=False),
    Column("shadow", PlainText),
    Column("generation", Integer, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    ForeignKeyConstraint(["task", "champion"], ["versions.task", "versions.version"]),
    ForeignKeyConstraint(["task", "previous"], ["versions.task", "versions.version"]),
    ForeignKeyConstraint(["task", "preload"], ["versions.task", "versions.version"]),
    ForeignKeyConstraint(["task", "canary"], ["versions.task", "versions.version"]),
    ForeignKeyConstraint(["task", "shadow"], ["versions.task", "versions.version"]),
    CheckConstraint("canary_weight >= 0 AND canary_weight <= 1", name="canary_weight"),
)

release_events = Table(
    "release_events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("task", PlainText, nullable=False),
    Column("action", PlainText, nullable=False),
    Column("from_version", PlainText),
    Column("to_version", PlainText),
    Column("weight", Float),
    Column("generation", Integer, nullable=False),
    Column("actor", PlainText, nullable=False),
    Column("reason", PlainText, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("task", "generation"),
    CheckConstraint("action IN ('promote', 'rollback', 'canary', 'end_canary', 'shadow', 'end_shadow')", name="action"),
)
"""The audit trail of releases: one row a change, never changed afterwards. `weight` is a canary's, 0 to 1."""

replicas = Table(
    "replicas",
    metadata,
    Column("replica_id", PlainText, primary_key=True),
    Column("task", PlainText, nullable=False),
    Column("versions", JSON, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Index(None, "task", "seen_at"),
)

loop_runs = Table(
    "loop_runs",
    metadata,
    Column("run_id", PlainText, primary_key=True),
    Column("task", PlainText, nullable=False),
    Column("state", PlainText, nullable=False),
    Column("trigger", PlainText, nullable=False),
    Column("reason", PlainText, nullable=False),
    Column("owner", PlainText, nullable=False),
    Column("lease_until", UtcDateTime, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("dataset_digest", PlainText),
    Column("version", PlainText),
    Column("job_id", PlainText),
    Column("error", PlainText),
    Column("details", JSON, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    Index(
        "uq_loop_runs_alive_task",
        "task",
        unique=True,
        sqlite_where=text("finished_at IS NULL"),
        postgresql_where=text("finished_at IS NULL"),
    ),
    Index(None, "task", "created_at"),
)
"""One row a loop run; the partial unique index lets one run per task be alive."""

inferences = Table(
    "inferences",
    metadata,
    Column("inference_id", Uuid, primary_key=True),
    Column("task", PlainText, nullable=False),
    Column("version", PlainText, nullable=False),
    Column("locale", PlainText, nullable=False),
    Column("target_locale", PlainText, nullable=False),
    Column("input", PlainText),
    Column("output", PlainText),
    Column("scores", JSON),
    Column("propensity", Float, nullable=False),
    Column("user", PlainText),
    Column("key_id", PlainText),
    Column("latency_ms", Float),
    Column("healed", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Index(None, "task", "created_at"),
)
"""Answered requests. `healed` rows were rebuilt from feedback and lack what only the replica knew."""

shadow_answers = Table(
    "shadow_answers",
    metadata,
    Column("inference_id", Uuid, primary_key=True),
    Column("version", PlainText, primary_key=True),
    Column("task", PlainText, nullable=False),
    Column("output", PlainText),
    Column("scores", JSON),
    Column("latency_ms", Float, nullable=False),
    Column("agrees", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    ForeignKeyConstraint(["inference_id"], ["inferences.inference_id"], ondelete="CASCADE"),
    ForeignKeyConstraint(["task", "version"], ["versions.task", "versions.version"]),
    Index(None, "task", "version", "inference_id"),
)
"""What shadows answered to inferences; `output` is None where a version refused or failed.

An erasure that deletes an inference takes its shadow answers along; one that keeps the row and empties its texts has to
empty these too.
"""

curations = Table(
    "curations",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("task", PlainText, nullable=False),
    Column("digest", PlainText, nullable=False),
    Column("path", PlainText),
    Column("num_examples", Integer, nullable=False),
    Column("reasons", JSON, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Index(None, "task", "created_at"),
)

feedback = Table(
    "feedback",
    metadata,
    Column("feedback_id", Uuid, primary_key=True),
    Column("inference_id", Uuid, nullable=False),
    Column("task", PlainText, nullable=False),
    Column("version", PlainText, nullable=False),
    Column("locale", PlainText, nullable=False),
    Column("target_locale", PlainText, nullable=False),
    Column("propensity", Float, nullable=False),
    Column("input_digest", LargeBinary, nullable=False),
    Column("rating", Integer),
    Column("correction", PlainText),
    Column("comment", PlainText),
    Column("user", PlainText, nullable=False),
    Column("key_id", PlainText, nullable=False),
    Column("idempotency_key", PlainText),
    Column("body_digest", LargeBinary, nullable=False),
    Column("state", PlainText, nullable=False),
    Column("reason", PlainText),
    Column("curation_id", Integer),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("key_id", "idempotency_key"),
    ForeignKeyConstraint(["curation_id"], ["curations.id"]),
    CheckConstraint("rating IN (-1, 1)", name="rating"),
    CheckConstraint("state IN ('new', 'accepted', 'noted', 'refused', 'orphan')", name="state"),
    Index(None, "task", "state", "created_at"),
    Index(None, "inference_id"),
)
"""One row a user's statement. No foreign key to inferences: feedback may come before, or without, its inference."""
