"""The studio: a page on one's own machine that composes, arranges, explains and plays."""
