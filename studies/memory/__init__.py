"""Which layer remembers best, on the sequences that people measure layers on."""
