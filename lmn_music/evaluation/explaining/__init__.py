"""What a model finds surprising in a song, note by note, and which model knows the song best."""
