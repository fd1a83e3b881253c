import warnings

warnings.warn("whose line is it", stacklevel=2)
