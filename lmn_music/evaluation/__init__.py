"""How well a model predicts music: exact likelihoods, accuracies, the literature's figures."""
