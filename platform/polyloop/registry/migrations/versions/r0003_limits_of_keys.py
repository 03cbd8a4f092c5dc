"""Keys may have limits of their own.

Revision 0003, after 0002.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let a key have limits; those that are there keep the spec's."""
    op.add_column("api_keys", sa.Column("limits", sa.JSON(), nullable=True))


def downgrade() -> None:
    """Drop the limits of keys, which are lost."""
    with op.batch_alter_table("api_keys") as keys:
        keys.drop_column("limits")
