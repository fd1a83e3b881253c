import logging

logging.warning("the last resort speaks")
logging.getLogger("quiet").info("nobody hears")
logging.basicConfig(level=logging.DEBUG, format="%(levelname)s:%(name)s:%(module)s:%(lineno)d:%(funcName)s:%(processName)s:%(message)s")
logging.info("now heard")
try:
    1 / 0
except ZeroDivisionError:
    logging.exception("with a traceback")
print(logging.root.handlers, sorted(name for name in logging.root.manager.loggerDict if name != "asyncio" and not name.startswith("concurrent")))
