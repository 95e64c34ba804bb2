"""The commands of lmn-music."""
