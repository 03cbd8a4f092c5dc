"""Reading: files, URLs and databases into slices, slices into rows, and expressions over their columns."""
