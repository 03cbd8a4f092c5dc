"""The account of a dataset for people: an HTML report, a data card, and the difference between two datasets."""
