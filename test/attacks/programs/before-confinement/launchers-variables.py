# Variables that shells, Perl, Node and Docker's client heed.
#: {"env": {"BASH_ENV": "/workspace/code/evil.sh", "ENV": "/workspace/code/evil.sh", "PERL5OPT": "-Mevil", "PERL5LIB": "/workspace/code", "NODE_OPTIONS": "--require /workspace/code/evil.js", "DOCKER_HOST": "tcp://127.0.0.1:1", "BASH_FUNC_exec%%": "() { echo BROKEN; }", "IFS": "/", "TMPDIR": "/nowhere"}, "files": {"evil.sh": "echo BROKEN sh", "evil.pm": "print 'BROKEN perl'; 1;", "evil.js": "console.log('BROKEN node')"}}
from attack import held

held()
