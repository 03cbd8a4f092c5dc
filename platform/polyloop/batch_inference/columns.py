"""What answers say of themselves, whatever the kind of task. Plain data."""

import pyarrow as pa

FIXED_COLUMNS: tuple[tuple[str, pa.DataType], ...] = (
    ("where", pa.string()),
    ("version", pa.string()),
    ("locale", pa.string()),
    ("target_locale", pa.string()),
    ("output", pa.string()),
    ("scores", pa.map_(pa.string(), pa.float64())),
    ("confidence", pa.float64()),
    ("citations", pa.string()),
    ("input_tokens", pa.int64()),
    ("output_tokens", pa.int64()),
    ("error_code", pa.string()),
    ("error_detail", pa.string()),
)
"""Columns of Parquet, after the kept ones; `citations` is JSON."""

RECORD_FIELDS = frozenset({"error", *(name for name, _ in FIXED_COLUMNS)})
"""Names that no column of the input can be kept under."""
