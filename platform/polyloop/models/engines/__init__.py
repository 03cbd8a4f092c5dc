"""Serving engines beside PyTorch: models converted to CTranslate2, asked in the same way and with the same answers.

`convert` makes the folder that an engine loads, out of a trained model; `loaders` knows the families, `numerals` how
ids travel, `probe` that the conversion is right. `computing` loads such a folder. `decoding` reads how a version
writes, `writers` write ids with it, `texts` answers inputs, `pieces` cuts an answer into what can be sent at once;
`encoders` are what classifiers compute with. `parity` compares two engines' answers, `verdict` says which engine a
version is published with, `choice` which one answers, `processors` in which numbers this machine may. Only what loads,
writes or encodes needs CTranslate2; `choice`, `processors`, `verdict`, `parity` and `decoding` can be imported without.
"""
