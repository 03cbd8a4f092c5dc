"""Finding passages that bear on a question, and reading answers with citations out of them."""
