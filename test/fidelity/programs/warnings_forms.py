import warnings

print([(action, category.__name__) for action, message, category, module, line in warnings.filters])
warnings.warn("plain")
warnings.warn("plain")
warnings.warn("old", DeprecationWarning)


def old():
    warnings.warn("called", DeprecationWarning, stacklevel=2)


old()
open("warnings_forms.py")
eval("1 is 1")
