"""Near duplicates: texts that share most of their short character sequences, found without comparing all with all.

`shingles` says what a text is made of, `minhash` and `bands` which texts may be alike, `match` which are, and
`clusters` which of them stays. `search` does all of it in one process; a build spreads the same parts over many.
"""
