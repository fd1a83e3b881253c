import contextvars
import decimal
import random

print(decimal.getcontext(), list(contextvars.copy_context()))
random.seed(1)
print(random.random(), random.Random(2).randint(0, 100))
