"""The passes of a build, in order: clean, gather, match, select, encode. Each does its items side by side."""
