"""What a file may name: classes and functions, by names that are all known beforehand.

A name that is not in here is never looked up, so no file can have anything else imported or made.
"""

from __future__ import annotations

import importlib
import inspect
from functools import cache
from types import ModuleType
from typing import Any

# By the module they are taken from. Objects of these are written attribute by attribute.
OBJECTS: dict[str, tuple[str, ...]] = {
    "sknn_tricks._image_layout": ("ImageLayout",),
    "sknn_tricks.augment": (
        *("Albumentation", "Augment", "ColorJitter", "ColorNoise", "Crop", "Cutout", "Flip"),
        *("Noise", "RandomErasing", "RandomResizedCrop", "Rotate", "Scale", "Shear", "Shift"),
        "Stretch",
    ),
    "sknn_tricks.averaging": ("ema", "snapshots", "swa"),
    "sknn_tricks.averaging._snapshots": ("cycles",),
    "sknn_tricks.estimators": ("NetClassifier", "NetRegressor", "TTA"),
    "sknn_tricks.estimators._balance": ("Calibration", "ClassSizes", "Imbalance"),
    "sknn_tricks.fused._balance": ("Balance",),
    "sknn_tricks.fused._report": ("Batch", "Report"),
    "sknn_tricks.fused.cache": ("Cache",),
    "sknn_tricks.init": (
        *("constant", "lsuv", "normal", "sparse", "truncated_normal", "unit_variance"),
        "variance_scaling",
    ),
    "sknn_tricks.losses": (
        *("binary_focal", "binary_logit_adjusted", "effective_number", "focal", "huber"),
        "logit_adjusted",
    ),
    "sknn_tricks.model_selection": (
        *("FusedGridSearchCV", "FusedHalvingGridSearchCV", "FusedHalvingRandomSearchCV"),
        "FusedRandomizedSearchCV",
    ),
    "sknn_tricks.nets": (
        *("BatchNorm", "ConvNet", "GroupNorm", "LayerNorm", "MLP", "ResMLP", "ResNet"),
        "TorchModule",
    ),
    "sknn_tricks.preprocessing": (
        *("DateFeatures", "MinMaxScalerND", "RobustScalerND", "Smoother", "StandardScalerND"),
        "Whitener",
    ),
    "sknn_tricks.preprocessing.scalers._elementwise": ("Elementwise",),
    "sknn_tricks.preprocessing.scalers._groups": ("Groups",),
    "sknn_tricks.preprocessing.scalers._quantiles": ("Histogram", "Sorted"),
    "sknn_tricks.preprocessing.scalers._robust_scaler": ("Spread",),
    "sknn_tricks.preprocessing.scalers._sketch": ("Sketch", "Summary"),
    "sknn_tricks.preprocessing.scalers._statistics": ("Extremes", "Moments"),
    "sknn_tricks.preprocessing.tables._column_kinds": ("ColumnKinds",),
    "sknn_tricks.preprocessing.whitening._moments": ("FourthMoments", "Moments"),
    "sknn_tricks.preprocessing.whitening._seen": ("Seen",),
    "sknn_tricks.preprocessing.whitening._whitening": ("Settings", "Whitening"),
    "sknn_tricks.resampling": (
        *("AugmentedOverSampler", "AutoSMOTE", "BalancedSampler", "DropDuplicates"),
        *("DropOutliers", "RandomOverSampler", "RandomUnderSampler", "Resampled"),
    ),
    "sknn_tricks.schedules": (
        *("constant", "cosine", "cosine_restarts", "coslog", "cyclic", "exponential"),
        *("flat_cosine", "inverse_sqrt", "linear", "multi_step", "one_cycle", "plateau", "step"),
    ),
    "sknn_tricks.transfer": ("FeatureExtractor", "FineTuner"),
    "sknn_tricks.transfer._features": ("Forward",),
    "imblearn.combine": ("SMOTEENN", "SMOTETomek"),
    "imblearn.over_sampling": (
        *("ADASYN", "BorderlineSMOTE", "KMeansSMOTE", "RandomOverSampler", "SMOTE", "SMOTEN"),
        *("SMOTENC", "SVMSMOTE"),
    ),
    "imblearn.pipeline": ("Pipeline",),
    "imblearn.under_sampling": (
        *("AllKNN", "ClusterCentroids", "CondensedNearestNeighbour", "EditedNearestNeighbours"),
        *("InstanceHardnessThreshold", "NearMiss", "NeighbourhoodCleaningRule"),
        *("OneSidedSelection", "RandomUnderSampler", "RepeatedEditedNearestNeighbours"),
        "TomekLinks",
    ),
    "sklearn.calibration": (
        *("CalibratedClassifierCV", "_CalibratedClassifier", "_SigmoidCalibration"),
        "_TemperatureScaling",
    ),
    "sklearn.compose": ("ColumnTransformer", "TransformedTargetRegressor", "make_column_selector"),
    # Of plain numbers and names, before most nets; skops would take a second to load for them.
    "sklearn.decomposition": ("PCA",),
    "sklearn.ensemble": (
        *("AdaBoostClassifier", "AdaBoostRegressor", "BaggingClassifier", "BaggingRegressor"),
        *("StackingClassifier", "StackingRegressor", "VotingClassifier", "VotingRegressor"),
    ),
    "sklearn.feature_selection": (
        *("RFE", "RFECV", "SelectFromModel", "SequentialFeatureSelector"),
    ),
    "sklearn.frozen": ("FrozenEstimator",),
    "sklearn.impute": ("MissingIndicator", "SimpleImputer"),
    "sklearn.metrics._scorer": (
        *("_CurveScorer", "_MultimetricScorer", "_PassthroughScorer", "_Scorer"),
    ),
    "sklearn.model_selection": (
        *("FixedThresholdClassifier", "GridSearchCV", "RandomizedSearchCV"),
        *("TunedThresholdClassifierCV", "GroupKFold", "GroupShuffleSplit", "KFold"),
        *("LeaveOneGroupOut", "LeaveOneOut", "LeavePGroupsOut", "LeavePOut", "PredefinedSplit"),
        *("RepeatedKFold", "RepeatedStratifiedKFold", "ShuffleSplit", "StratifiedGroupKFold"),
        *("StratifiedKFold", "StratifiedShuffleSplit", "TimeSeriesSplit"),
    ),
    "sklearn.model_selection._search_successive_halving": (
        *("HalvingGridSearchCV", "HalvingRandomSearchCV"),
    ),
    "sklearn.model_selection._split": ("_CVIterableWrapper",),
    "sklearn.multiclass": ("OneVsOneClassifier", "OneVsRestClassifier", "OutputCodeClassifier"),
    "sklearn.multioutput": (
        *("ClassifierChain", "MultiOutputClassifier", "MultiOutputRegressor"),
        "RegressorChain",
    ),
    "sklearn.pipeline": ("FeatureUnion", "Pipeline"),
    "sklearn.preprocessing": (
        *("FunctionTransformer", "MaxAbsScaler", "MinMaxScaler", "Normalizer", "OneHotEncoder"),
        *("OrdinalEncoder", "RobustScaler", "StandardScaler"),
    ),
    "sklearn.semi_supervised": ("SelfTrainingClassifier",),
}
# Layers of ours, and one of torch's that it does not name in public.
MODULES: dict[str, tuple[str, ...]] = {
    "sknn_tricks.nets": (
        *("ChannelDropout", "DropConnect", "DropConnect2d", "DropPath", "Dropout"),
        *("FractionalMaxPool", "ImageInput", "Layered", "ProjectedResidual", "RReLU", "Residual"),
    ),
    "torch.nn.modules.linear": ("NonDynamicallyQuantizableLinear",),
}
# What may be named by itself: as a parameter, a loss, a step's function.
FUNCTIONS: dict[str, tuple[str, ...]] = {
    "builtins": ("bool", "float", "int", "object", "str"),
    "sknn_tricks.init._schemes": (
        *("identity", "kaiming_normal", "kaiming_uniform", "lecun_normal", "lecun_uniform"),
        *("orthogonal", "xavier_normal", "xavier_uniform"),
    ),
    "sknn_tricks.losses": (
        *("absolute_error", "binary_cross_entropy", "cross_entropy", "squared_error"),
    ),
    "sknn_tricks.preprocessing.tables._table_steps": (
        *("_is_missing", "_names_of_missing", "_to_float32", "_to_floats", "_to_texts"),
    ),
    "torch.nn.functional": (
        *("celu", "elu", "gelu", "hardswish", "leaky_relu", "log_softmax", "mish"),
        *("relu", "relu6", "selu", "sigmoid", "silu", "softmax", "softplus", "softsign", "tanh"),
    ),
}
# Families that the libraries name themselves.
FAMILIES = ("numpy", "scipy.stats", "sklearn.metrics", "torch.nn", "torch.optim")


@cache
def family(module_name: str) -> dict[str, Any]:
    """Return the classes or functions of one of `FAMILIES`, by name.

    Examples
    --------
    >>> family("torch.optim")["Adam"]
    <class 'torch.optim.adam.Adam'>
    """
    module = importlib.import_module(module_name)
    wanted = {
        "numpy": _is_of_numpy,
        "scipy.stats": _is_distribution,
        "sklearn.metrics": inspect.isfunction,
        "torch.nn": lambda value: _is_class_below(value, module, "Module"),
        "torch.optim": lambda value: _is_class_below(value, module, "Optimizer"),
    }[module_name]
    return {name: value for name, value in vars(module).items() if wanted(value)}


def _is_of_numpy(value: Any) -> bool:
    import numpy as np

    return isinstance(value, np.ufunc) or (
        isinstance(value, type) and issubclass(value, np.generic)
    )


def _is_distribution(value: Any) -> bool:
    from scipy.stats import rv_continuous, rv_discrete

    return isinstance(value, rv_continuous | rv_discrete)


def _is_class_below(value: Any, module: ModuleType, base: str) -> bool:
    return isinstance(value, type) and issubclass(value, getattr(module, base))


def known(name: object) -> Any:
    """Return what a name stands for.

    Raises
    ------
    KeyError
        If the name is none of those that a file may hold.

    Examples
    --------
    >>> known("sknn_tricks.nets.MLP")
    <class 'sknn_tricks.nets._mlp.MLP'>
    >>> known("os.system")
    Traceback (most recent call last):
        ...
    KeyError: 'os.system'
    """
    module, _, last = name.rpartition(".") if isinstance(name, str) else ("", "", "")
    if module in FAMILIES and last in family(module):
        return family(module)[last]
    if any(last in table.get(module, ()) for table in (OBJECTS, MODULES, FUNCTIONS)):
        return getattr(importlib.import_module(module), last)
    raise KeyError(name)


def known_class(name: object) -> type:
    """Return a class whose objects are read attribute by attribute.

    Raises
    ------
    KeyError
        If the name is none of those.
    """
    module, _, last = name.rpartition(".") if isinstance(name, str) else ("", "", "")
    if last not in OBJECTS.get(module, ()):
        raise KeyError(name)
    return known(name)


def name_of(value: Any) -> str | None:
    """Return the name of a class or function, None for one that no file may hold.

    Examples
    --------
    >>> from sknn_tricks.nets import MLP
    >>> name_of(MLP), name_of(print)
    ('sknn_tricks.nets.MLP', None)
    """
    last = getattr(value, "__qualname__", None) or getattr(value, "__name__", None)
    for module in _modules_with(last, _root(value)):
        if known(f"{module}.{last}") is value:
            return f"{module}.{last}"
    return None


def is_object(cls: type) -> bool:
    """Whether objects of a class are written attribute by attribute."""
    name = name_of(cls)
    return name is not None and cls.__name__ in OBJECTS.get(name.rpartition(".")[0], ())


def _root(value: Any) -> str:
    return (getattr(value, "__module__", None) or "numpy").split(".")[0]  # ufuncs may have none


def _modules_with(last: Any, root: str) -> list[str]:
    """Return the modules of a library that have something of that name in our tables."""
    listed = [
        module
        for table in (OBJECTS, MODULES, FUNCTIONS)
        for module, names in table.items()
        if last in names
    ]
    families = [module for module in FAMILIES if module.split(".")[0] == root]
    return [
        *(module for module in listed if module.split(".")[0] == root),
        *(module for module in families if last in family(module)),
    ]
