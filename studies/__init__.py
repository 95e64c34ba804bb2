"""The claims of the paper, tested: each experiment is a command, and its results are kept as they come."""
