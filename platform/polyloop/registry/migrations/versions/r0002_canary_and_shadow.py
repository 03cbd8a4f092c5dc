"""Canaries and shadows: what the audit trail says of them, and what shadows answered.

Revision 0002, after 0001.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ACTIONS = "action IN ('promote', 'rollback', 'canary', 'end_canary', 'shadow', 'end_shadow')"


def upgrade() -> None:
    """Let events be about canaries and shadows, and add the table of shadow answers."""
    # SQLite cannot change a column in place, so the table is copied there; nothing refers to it.
    with op.batch_alter_table("release_events") as events:
        events.alter_column("to_version", existing_type=sa.Text(), nullable=True)
        events.add_column(sa.Column("weight", sa.Float(), nullable=True))
        events.create_check_constraint(op.f("ck_release_events_action"), ACTIONS)
    op.create_table(
        "shadow_answers",
        sa.Column("inference_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("output", sa.Text(), nullable=True),
        sa.Column("scores", sa.JSON(), nullable=True),
        sa.Column("latency_ms", sa.Float(), nullable=False),
        sa.Column("agrees", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["inference_id"],
            ["inferences.inference_id"],
            name=op.f("fk_shadow_answers_inference_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["task", "version"], ["versions.task", "versions.version"], name=op.f("fk_shadow_answers_task_version")
        ),
        sa.PrimaryKeyConstraint("inference_id", "version", name=op.f("pk_shadow_answers")),
    )
    op.create_index(
        op.f("ix_shadow_answers_task_version_inference_id"),
        "shadow_answers",
        ["task", "version", "inference_id"],
        unique=False,
    )


def downgrade() -> None:
    """Drop shadow answers and the events of canaries and shadows; both are lost."""
    op.drop_table("shadow_answers")
    op.execute("DELETE FROM release_events WHERE action NOT IN ('promote', 'rollback')")
    with op.batch_alter_table("release_events") as events:
        events.drop_constraint(op.f("ck_release_events_action"), type_="check")
        events.drop_column("weight")
        events.alter_column("to_version", existing_type=sa.Text(), nullable=False)
