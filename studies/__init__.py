"""The claims of the paper and our own ablations: declarations over one engine, kept outside the installed package."""
