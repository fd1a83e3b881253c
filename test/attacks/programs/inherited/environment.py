# Finds the service's environment in its own, in what the interpreter kept, or on the stack.
import os

from attack import held, target

secret = target()["secret"]
for name, value in os.environ.items():
    if secret in value or name.startswith(("npm_", "SECRET", "REDIS", "S3_", "AWS_", "JOB_DATA", "API_KEY", "OTEL_")):
        print("BROKEN", name)
if secret.encode() in open("/proc/self/environ", "rb").read():
    print("BROKEN environ")
held()
