# Variables that Python heeds: they are the job's to set, and take effect in the job alone.
#: {"env": {"PYTHONPATH": "/workspace/code/lib", "PYTHONSTARTUP": "/workspace/code/evil.py", "PYTHONHOME": "", "PYTHONINSPECT": ""}, "files": {"lib/sitecustomize.py": "import os\nprint(os.getuid() != 0, os.getcwd(), flush=True)", "evil.py": "print('BROKEN startup')"}, "prints": "True /workspace/code\nheld\n"}
from attack import held

held()
