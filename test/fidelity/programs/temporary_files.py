import os
import tempfile

print(tempfile.tempdir, tempfile.gettempdir(), oct(os.stat(tempfile.mkdtemp()).st_mode))
with tempfile.NamedTemporaryFile() as file:
    print(os.path.dirname(file.name))
