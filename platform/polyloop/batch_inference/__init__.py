"""Batch inference: rows of files answered by one version, side by side, with the engines that serve it."""
