"""What scikit-learn asks of an estimator, written down without scikit-learn, which need not be installed."""

from __future__ import annotations

from inspect import signature
from typing import Any, Self


class NotFittedError(ValueError, AttributeError):
    """An estimator is used before `fit`; of the same bases as the error of that name in scikit-learn."""


class Estimator:
    """An estimator for lists of sequences: a list takes the place of scikit-learn's X.

    A subclass stores the arguments of its constructor unchanged, under their names; what it learns ends in "_".
    """

    def __repr__(self) -> str:
        """Return the call of the constructor, without what is as it is by default."""
        known = signature(type(self)).parameters
        given = [f"{name}={value!r}" for name, value in self.get_params().items() if value != known[name].default]
        return f"{type(self).__name__}({', '.join(given)})"

    def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: ARG002
        """Return the arguments of the constructor by name.

        Args:
            deep: is not read; no argument is an estimator itself.
        """
        return {name: getattr(self, name) for name in signature(type(self)).parameters}

    def set_params(self, **params: Any) -> Self:
        """Set arguments of the constructor, for the next `fit`, and return the estimator itself.

        Raises:
            ValueError: for a name that the constructor does not have.
        """
        known = self.get_params()
        for name, value in params.items():
            if name not in known:
                raise ValueError(f"{type(self).__name__} has no parameter {name!r}; it has {', '.join(known)}")
            setattr(self, name, value)
        return self

    def __sklearn_tags__(self) -> Any:
        """Describe the estimator to scikit-learn, the only caller."""
        from sklearn.utils import InputTags, Tags, TargetTags, TransformerTags

        return Tags(
            estimator_type=None,
            target_tags=TargetTags(required=False),
            transformer_tags=TransformerTags(preserves_dtype=[]),
            input_tags=InputTags(two_d_array=False),
        )
