"""The linear autoencoder as scikit-learn uses it: parameters, clones, pipelines, searches, scores."""

import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
import sklearn.exceptions
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import estimator_checks
from sklearn.utils.validation import check_is_fitted

from lmn_music.memory.estimator import NotFittedError
from lmn_music.memory.history import dense_history
from lmn_music.memory.laes import LinearAutoencoder
from lmn_music.memory.synthetic import structured
from tests.memory.helpers import Array, rng


@pytest.fixture(scope="module")
def sequences() -> list[Array]:
    return structured(24, 20, 5, rng(), rank=2)


# The checks of parameters, names and tags. All others call fit, transform or score with a matrix of samples and
# features, and often with a target; this estimator takes a list of sequences, and says so (two_d_array=False).
CHECKS = [
    estimator_checks.check_do_not_raise_errors_in_init_or_set_params,
    estimator_checks.check_estimator_cloneable,
    estimator_checks.check_estimator_repr,
    estimator_checks.check_estimator_tags_renamed,
    estimator_checks.check_get_params_invariance,
    estimator_checks.check_mixin_order,
    estimator_checks.check_no_attributes_set_in_init,
    estimator_checks.check_parameters_default_constructible,
    estimator_checks.check_set_params,
    estimator_checks.check_valid_tag_types,
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_checks_of_scikit_learn(check: Callable[[str, LinearAutoencoder], None]) -> None:
    check("LinearAutoencoder", LinearAutoencoder(3))


def test_a_clone_has_the_parameters_and_has_learned_nothing(sequences: list[Array]) -> None:
    fitted = LinearAutoencoder(3, centre=False)
    before = set(vars(fitted))
    assert fitted.fit(sequences) is fitted
    learned = set(vars(fitted)) - before
    assert learned == {"A_", "B_", "mean_", "singular_values_", "explained_energy_", "n_features_in_"}
    check_is_fitted(fitted)
    fresh = clone(fitted)
    assert fresh.get_params() == {"n_components": 3, "centre": False}
    with pytest.raises(sklearn.exceptions.NotFittedError):
        check_is_fitted(fresh)
    with pytest.raises(ValueError, match="no parameter 'components'; it has n_components, centre"):
        fresh.set_params(components=4)


@pytest.mark.parametrize("use", ["transform", "score", "decode"])
def test_nothing_works_before_fit(use: str, sequences: list[Array]) -> None:
    arguments = {"decode": (np.zeros(3), 1)}.get(use, (sequences,))
    with pytest.raises(NotFittedError, match="call fit first"):
        getattr(LinearAutoencoder(3), use)(*arguments)


def test_a_list_of_sequences_has_a_list_of_states(sequences: list[Array]) -> None:
    fitted = LinearAutoencoder(3).fit(sequences)
    states = fitted.transform(sequences)
    assert isinstance(states, list)
    for sequence, its in zip(sequences, states, strict=True):
        np.testing.assert_array_equal(fitted.transform(sequence), its)


def test_the_score_is_the_share_of_the_history_that_is_decoded(sequences: list[Array]) -> None:
    train, test = sequences[:12], [sequence[: 20 - n] for n, sequence in enumerate(sequences[12:])]
    fitted = LinearAutoencoder(4).fit(train)
    lags = 400  # the history goes back to before the start of each sequence, as far as anything is decoded
    error = energy = 0.0
    for sequence in test:
        history = dense_history([sequence - fitted.mean_]).reshape(len(sequence), -1, 5)
        history = np.pad(history, ((0, 0), (0, lags - len(sequence)), (0, 0)))
        error += np.square(history - (fitted.decode(fitted.transform(sequence), lags) - fitted.mean_)).sum()
        energy += np.square(history).sum()
    assert fitted.score(test) == pytest.approx(1 - error / energy, abs=1e-10)


def test_the_score_on_the_training_set_comes_close_to_the_energy_of_the_best_code(sequences: list[Array]) -> None:
    for size in (8, 16, 32):
        fitted = LinearAutoencoder(size).fit(sequences)
        assert 0.9 * fitted.explained_energy_ < fitted.score(sequences) <= fitted.explained_energy_
    rank = int(np.linalg.matrix_rank(dense_history([s - fitted.mean_ for s in sequences])))
    assert LinearAutoencoder(rank).fit(sequences).score(sequences) == pytest.approx(1, abs=1e-9)
    with pytest.raises(ValueError, match="never differ from the mean"):
        fitted.score([np.tile(fitted.mean_, (3, 1))])


def test_a_search_over_the_number_of_components_in_a_pipeline(sequences: list[Array]) -> None:
    def halved(songs: list[Array]) -> list[Array]:
        return [song / 2 for song in songs]

    pipeline = Pipeline([("scale", FunctionTransformer(halved)), ("laes", LinearAutoencoder(1))])
    search = GridSearchCV(pipeline, {"laes__n_components": [1, 4, 16]}, cv=3).fit(sequences)
    assert search.best_params_ == {"laes__n_components": 16}
    assert (np.diff(search.cv_results_["mean_test_score"]) > 0).all()
    states = search.transform(sequences)
    expected = LinearAutoencoder(16).fit(halved(sequences))
    np.testing.assert_allclose(states[0], expected.transform(halved(sequences)[0]))
    assert search.score(sequences) == pytest.approx(expected.score(halved(sequences)))


def test_the_package_never_imports_scikit_learn() -> None:
    code = "import lmn_music.memory.laes, sys; assert 'sklearn' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
