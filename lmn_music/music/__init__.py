"""What music is: piano-rolls, notes, keys."""
