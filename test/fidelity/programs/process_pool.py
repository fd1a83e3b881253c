from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor


def square(number):
    if number == 3:
        raise ValueError(number)
    return number * number


if __name__ == "__main__":
    with ProcessPoolExecutor(2) as pool:
        print(list(pool.map(square, range(3))), type(pool.submit(square, 3).exception()).__name__)
    with ThreadPoolExecutor(2) as pool:
        print(list(pool.map(square, range(3))))
