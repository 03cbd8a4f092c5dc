"""Pages for people: what all HTML reports of Polyloop are made of."""
