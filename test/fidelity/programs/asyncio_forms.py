import asyncio


async def number(n):
    await asyncio.sleep(0.001)
    return n


async def main():
    print(await asyncio.gather(*(number(n) for n in range(3))))
    print(await asyncio.to_thread(len, "abc") if hasattr(asyncio, "to_thread") else 3)
    asyncio.get_running_loop().call_soon(lambda: 1 / 0)
    await asyncio.sleep(0.001)
    raise ValueError("out of a loop")


asyncio.run(main())
