"""Reports as HTML pages: what they are made of, plots as inline SVG, and the frame that all of them share."""
