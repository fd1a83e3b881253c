# Has the numbers that another job would have drawn: told by drawing some, which must differ from run to run.
#: {"printsLike": "^[0-9a-f]+ [0-9a-f]+ [0-9a-f-]+ \\S+\nheld\n$", "differs": true}
import os
import random
import tempfile
import uuid

from attack import held

print(f"{random.getrandbits(64):x} {int.from_bytes(os.urandom(8), 'big'):x} {uuid.uuid4()} {tempfile.mktemp()}")
held()
