"""What an exit carries may say itself how it is written, and may fail to."""


class Code:
    def __str__(self):
        return "as str"

    def __format__(self, how):
        return "as format"


raise SystemExit(Code())
