# Exchanges the output folder itself for a link to the host.
import os

from attack import does, held

does("rename", lambda: os.rename("/workspace/output", "/workspace/other"))
does("remove", lambda: os.rmdir("/workspace/output"))
does("link", lambda: os.symlink("/etc", "/workspace/output"))
held()
