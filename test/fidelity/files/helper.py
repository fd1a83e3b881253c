VALUE = 42


class Kept:
    name = "kept"

    def __del__(self):
        print("del in the module")


kept = Kept()
if __name__ == "__main__":
    print("as main")
