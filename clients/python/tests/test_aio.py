"""The client for asyncio, against the same service."""

from __future__ import annotations

import asyncio
import os
import tempfile
import threading
import unittest
from typing import List

from job_runner import AsyncClient, EndEvent, JobRunnerError, LogEvent, RunResult

URL = os.environ["JOB_RUNNER_URL"]


class Async(unittest.IsolatedAsyncioTestCase):
    async def test_runs_and_fetches(self) -> None:
        client = AsyncClient(URL)
        result = await client.run(
            "import sys\nprint(sys.argv[1:])\nprint('e', file=sys.stderr)\nopen('made.txt', 'w').write('x')",
            args=["a"],
            workspace="writable",
        )
        self.assertEqual((result.stdout, result.stderr), ("['a']\n", "e\n"))
        id = result.job.id
        self.assertEqual([each.name for each in await client.artifacts(id)], ["made.txt"])
        self.assertEqual(await (await client.artifact(id, "made.txt")).read(), b"x")
        self.assertEqual(b"".join([chunk async for chunk in await client.artifact(id, "made.txt")]), b"x")
        with tempfile.TemporaryDirectory() as into:
            self.assertEqual([path.name for path in await client.save_artifacts(id, into)], ["made.txt"])
        self.assertIn("finished with code 0", await client.logs(id))
        self.assertTrue((await client.runtimes())[0].default)
        self.assertEqual((await client.get(id)).status, "succeeded")
        await client.delete(id)
        with self.assertRaises(JobRunnerError):
            await client.view(id)

    async def test_follows_many_jobs_at_once(self) -> None:
        client = AsyncClient(URL)

        async def follow(name: str) -> List[str]:
            id = (await client.submit(f"for i in range(3): print('{name}', i)")).job_id
            return [event.text async for event in client.events(id) if isinstance(event, LogEvent) and event.type == "stdout"]

        logs = await asyncio.gather(*(follow(name) for name in "abcdef"))
        self.assertEqual(logs, [[f"{name} {i}\n" for i in range(3)] for name in "abcdef"])

    async def test_a_canceled_task_cancels_its_job(self) -> None:
        client = AsyncClient(URL)
        up = asyncio.Event()
        task: asyncio.Task[RunResult] = asyncio.ensure_future(
            client.run(
                "import time; print('up', flush=True); time.sleep(60)",
                labels={"async": str(os.getpid())},
                on_event=lambda event: up.set() if event.type == "stdout" else None,
            )
        )
        await up.wait()
        task.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await task
        (job,) = [job async for job in client.list_all(label=f"async={os.getpid()}")]
        async for event in client.events(job.id):
            if isinstance(event, EndEvent):
                self.assertEqual(event.job.status, "canceled")

    async def test_leaving_a_stream_ends_its_thread(self) -> None:
        client = AsyncClient(URL)
        id = (await client.submit("import time; time.sleep(60)")).job_id
        before = threading.active_count()
        events = client.events(id)
        await events.__anext__()
        self.assertGreater(threading.active_count(), before)
        waiting = asyncio.ensure_future(events.__anext__())
        await asyncio.wait([waiting], timeout=0.1)
        waiting.cancel()
        with self.assertRaises((asyncio.CancelledError, StopAsyncIteration)):
            while True:
                await waiting
                waiting = asyncio.ensure_future(events.__anext__())
                await asyncio.wait([waiting], timeout=0.1)
                waiting.cancel()
        await client.cancel(id)
        for thread in threading.enumerate():
            if thread.name.startswith("job-runner-events"):
                await asyncio.to_thread(thread.join, 5)
                self.assertFalse(thread.is_alive())


if __name__ == "__main__":
    unittest.main()
