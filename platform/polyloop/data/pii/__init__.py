"""Finds personal data in texts: one kind a file, each by form, checksum and the words around it, per locale.

Input: a text and its locale. Output: spans that do not overlap, in order. Names and street addresses have no form to go
by: they need a named-entity finder (`polyloop.data.pii.entities`).
"""
