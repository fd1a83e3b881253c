# Has the launcher find its programs in the job's own folder.
#: {"env": {"PATH": "/workspace/code"}, "files": {"bwrap": "#!/bin/sh\necho BROKEN bwrap", "perl": "#!/bin/sh\necho BROKEN perl", "python3": "#!/bin/sh\necho BROKEN python3", "docker": "#!/bin/sh\necho BROKEN docker"}}
from attack import held

held()
