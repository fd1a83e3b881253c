import importlib.resources
import pkgutil

print(pkgutil.get_data("package", "data.txt"), importlib.resources.files("package").joinpath("data.txt").read_text())
print(sorted(module.name for module in pkgutil.iter_modules(__import__("package").__path__)))
