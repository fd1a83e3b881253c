import package
import package.part
from package import part

print(package.__file__, part.__name__, part.where(), package.__spec__.origin)
try:
    from . import nothing
except ImportError as error:
    print(error)
import nothing_at_all
