import locale
import os
import sys

print(locale.getpreferredencoding(False), locale.getlocale(), locale.setlocale(locale.LC_ALL), locale.setlocale(locale.LC_ALL, ""))
print(sys.getdefaultencoding(), sys.getfilesystemencoding(), sys.getfilesystemencodeerrors(), sys.flags.utf8_mode)
with open("/tmp/text" if os.path.isdir("/workspace") else os.devnull, "w") as file:
    print(file.encoding, file.errors)
print(os.fsencode("é\udcff"), f"{1234567.891:n}", "İ".lower())
