"""Against a real service, whose address is in JOB_RUNNER_URL: `npm test` starts one and runs this on each Python there is."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import threading
import unittest
from dataclasses import fields
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, Iterator, List, Tuple
from urllib.request import Request, urlopen

from job_runner import (
    Artifact,
    Client,
    EndEvent,
    Job,
    JobRunnerError,
    LogEvent,
    Runtime,
    Spec,
    StatusEvent,
    Usage,
    folder,
)

URL = os.environ["JOB_RUNNER_URL"]


class Runs(unittest.TestCase):
    def setUp(self) -> None:
        self.client = Client(URL)

    def test_gives_output_apart_and_files(self) -> None:
        result = self.client.run(
            {
                "main.py": "import os, sys, pkg.mod\n"
                "print(sys.argv[1:], pkg.mod.x, sys.stdin.read())\n"
                "print('beware', file=sys.stderr)\n"
                "data = open(os.environ['JOB_INPUT_DIR'] + '/raw.bin', 'rb').read()\n"
                "os.makedirs(os.environ['JOB_OUTPUT_DIR'] + '/a b')\n"
                "open(os.environ['JOB_OUTPUT_DIR'] + '/a b/é#.bin', 'wb').write(data * 2)\n"
                "sys.exit(3)",
                "pkg/mod.py": b"x = 1",
            },
            input={"raw.bin": b"\x00\xff\r\n"},
            args=["one", "zwei ü"],
            stdin="in",
            labels={"by": "python"},
        )
        self.assertEqual(result.stdout, "['one', 'zwei ü'] 1 in\n")
        self.assertEqual(result.stderr, "beware\n")
        self.assertEqual((result.job.status, result.job.exit_code, result.job.cause), ("failed", 3, "exit_nonzero"))
        self.assertTrue(result.job.is_over)
        self.assertGreater(result.job.usage.wall_ms if result.job.usage else 0, 0)
        self.assertEqual([each.name for each in result.artifacts], ["a b/é#.bin"])
        with self.client.artifact(result.job.id, "a b/é#.bin") as download:
            self.assertEqual(download.size, 8)
            self.assertEqual(download.read(), b"\x00\xff\r\n\x00\xff\r\n")
        with tempfile.TemporaryDirectory() as into:
            paths = self.client.save_artifacts(result.job.id, into)
            self.assertEqual(paths, [Path(into, "a b", "é#.bin")])
            self.assertEqual(os.listdir(Path(into, "a b")), ["é#.bin"])
        with self.client.zip(result.job.id) as download:
            self.assertEqual(download.read()[:2], b"PK")
            self.assertEqual(download.content_type, "application/zip")
        self.assertIn("[runner] finished with code 3\n", self.client.logs(result.job.id))
        self.assertIn(result.job.id, [job.id for job in self.client.list(label="by=python").jobs])

    def test_takes_files_and_folders_by_their_paths(self) -> None:
        with tempfile.TemporaryDirectory() as home:
            app = Path(home, "app")
            (app / "pkg" / "__pycache__").mkdir(parents=True)
            (app / "main.py").write_text("import pkg.mod\nprint(pkg.mod.x)")
            (app / "pkg" / "mod.py").write_text("x = 42")
            (app / "pkg" / "__pycache__" / "mod.pyc").write_bytes(b"")
            (app / "link").symlink_to("/etc/passwd")
            self.assertEqual(list(folder(app)), ["main.py", "pkg/mod.py"])
            self.assertEqual(self.client.run(app).stdout, "42\n")
            tool = Path(home, "tool.py")
            tool.write_text("import os; print(sorted(os.listdir(os.environ['JOB_INPUT_DIR'])))")
            result = self.client.run(tool, input=[app, app / "main.py"])
            self.assertEqual(result.stdout, "['app', 'main.py']\n")
            self.assertEqual(result.job.spec["entry"], "tool.py")

    def test_large_files_are_sent_as_they_are(self) -> None:
        with tempfile.TemporaryDirectory() as home:
            data = Path(home, "data.bin")
            data.write_bytes(os.urandom(1024) * 3000)
            program = (
                "import hashlib, os; print(hashlib.sha256(open(os.environ['JOB_INPUT_DIR'] + '/data.bin', 'rb').read()).hexdigest())"
            )
            result = self.client.run(program, input=[data])
            self.assertEqual(result.stdout.strip(), hashlib.sha256(data.read_bytes()).hexdigest())

    def test_tells_events_while_they_happen(self) -> None:
        seen: List[str] = []
        self.client.run("open('a', 'w').write('x'); print(1)", workspace="writable", on_event=lambda event: seen.append(event.type))
        for kind in ("status", "stdout", "runner", "artifact", "end"):
            self.assertIn(kind, seen)
        self.assertEqual(seen[-1], "end")


class Jobs(unittest.TestCase):
    def setUp(self) -> None:
        self.client = Client(URL)

    def test_are_followed_canceled_and_deleted(self) -> None:
        id = self.client.submit("import time; print('up', flush=True); time.sleep(60)").job_id
        texts: List[str] = []
        with self.client.events(id) as events:
            for event in events:
                if isinstance(event, LogEvent) and event.type == "stdout":
                    texts.append(event.text)
                    with self.assertRaises(JobRunnerError) as caught:
                        self.client.delete(id)
                    self.assertEqual(caught.exception.code, "job_not_finished")
                    self.client.cancel(id)
                if isinstance(event, EndEvent):
                    self.assertEqual(event.job.status, "canceled")
        self.assertEqual(texts, ["up\n"])
        self.assertEqual(self.client.get(id).status, "canceled")
        self.client.delete(id)
        with self.assertRaises(JobRunnerError) as caught:
            self.client.get(id)
        self.assertEqual((caught.exception.code, caught.exception.status), ("not_found", 404))

    def test_come_in_pages(self) -> None:
        ids = [self.client.submit("pass", labels={"page": "1"}).job_id for _ in range(3)][::-1]
        self.assertEqual([job.id for job in self.client.list_all(label=["page=1"], limit=1)][:3], ids)
        self.assertEqual([job.id for job in self.client.list(label="page", limit=2).jobs], ids[:2])

    def test_begin_where_one_is(self) -> None:
        id = self.client.run("for i in range(5): print(i)").job.id
        seen = [event.seq for event in self.client.events(id, after=4) if isinstance(event, LogEvent)]
        self.assertEqual(seen, [5, 6, 7])
        self.assertEqual(self.client.view(id).log_lines, 7)

    def test_can_be_left_by_another_thread(self) -> None:
        id = self.client.submit("import time; time.sleep(60)").job_id
        events = self.client.events(id)
        self.assertIsInstance(next(events), StatusEvent)
        reader = threading.Thread(target=lambda: list(events))
        reader.start()
        events.close()
        reader.join(5)
        self.assertFalse(reader.is_alive())
        self.client.cancel(id)

    def test_runtimes(self) -> None:
        self.assertTrue(self.client.runtimes()[0].default)


class Errors(unittest.TestCase):
    def test_tell_every_mistake(self) -> None:
        with self.assertRaises(JobRunnerError) as caught:
            Client(URL).submit("pass", timeout_sec=-1, args=["\0"])
        error = caught.exception
        self.assertEqual((error.code, error.status), ("invalid_spec", 422))
        self.assertEqual(sorted(each.pointer for each in error.errors), ["/spec/args/0", "/spec/timeout_sec"])
        self.assertIn("/spec/timeout_sec: ", str(error))
        self.assertTrue(error.request_id)

    def test_of_an_address_where_nobody_listens(self) -> None:
        with self.assertRaises(JobRunnerError) as caught:
            Client("http://127.0.0.1:1", retry_for=0).runtimes()
        self.assertEqual(caught.exception.code, "unreachable")
        with self.assertRaises(JobRunnerError):
            next(Client("http://127.0.0.1:1", reconnect_for=0).events("0" * 32))
        with self.assertRaises(ValueError):
            Client("127.0.0.1:8000")

    def test_of_an_artifact_whose_name_leads_out(self) -> None:
        for name in ("../x", "/etc/x", "a/../../x", ""):
            with self.assertRaises(JobRunnerError), tempfile.TemporaryDirectory() as into:
                Client(URL).save_artifact("0" * 32, Artifact(name, 0, "", ""), into)


class Retries(unittest.TestCase):
    """In front of the service stands what goes wrong on the way."""

    def test_a_lost_answer_makes_no_second_job(self) -> None:
        asked: List[Tuple[str, str]] = []

        class Lossy(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                asked.append((self.headers["idempotency-key"], self.headers["authorization"]))
                names = ("content-type", "idempotency-key")
                request = Request(URL + self.path, data=body, headers={name: self.headers[name] for name in names})
                with urlopen(request) as response:
                    answer = response.read()
                if len(asked) == 1:
                    # The service has taken it; its answer gets lost.
                    return
                if len(asked) == 2:
                    self.send_response(503)
                    self.send_header("retry-after", "0")
                    self.send_header("content-length", "0")
                    self.end_headers()
                    return
                self.send_response(200)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        server = HTTPServer(("127.0.0.1", 0), Lossy)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            client = Client(f"http://127.0.0.1:{server.server_port}", api_key="k")
            id = client.submit("pass", labels={"lossy": "1", "pid": str(os.getpid())}).job_id
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
        self.assertEqual(len(asked), 3)
        self.assertEqual(len(set(asked)), 1)
        self.assertEqual(asked[0][1], "Bearer k")
        jobs = Client(URL).list(label=["lossy", f"pid={os.getpid()}"]).jobs
        self.assertEqual([job.id for job in jobs], [id])


class Links(unittest.TestCase):
    """A service may keep its files elsewhere, and send its clients there."""

    def test_lead_to_another_server_that_does_not_see_the_key(self) -> None:
        asked: List[Tuple[str, Any]] = []

        class Both(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append((self.path, self.headers["authorization"]))
                body = b"" if self.path.startswith("/jobs/") else b"from elsewhere"
                self.send_response(200 if body else 302)
                if not body:
                    self.send_header("location", f"http://{self.headers['host']}/bucket/a%20b?signature=1")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        server = HTTPServer(("127.0.0.1", 0), Both)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            client = Client(f"http://127.0.0.1:{server.server_port}", api_key="k")
            self.assertEqual(client.artifact("0" * 32, "a b").read(), b"from elsewhere")
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
        self.assertEqual(asked[0][1], "Bearer k")
        self.assertEqual(asked[1:], [("/bucket/a%20b?signature=1", None)])


class Wire(unittest.TestCase):
    """What the service says about itself, and what we have made of it by hand."""

    def schemas(self) -> Iterator[Tuple[str, Any]]:
        with urlopen(URL + "/openapi.json") as response:
            paths = json.load(response)["paths"]

        def answer(path: str) -> Any:
            return paths[path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]["properties"]

        job = answer("/jobs/{id}")["job"]["properties"]
        yield "Job", job
        yield "Artifact", answer("/jobs/{id}/artifacts")["artifacts"]["items"]["properties"]
        yield "Runtime", answer("/runtimes")["runtimes"]["items"]["properties"]
        usage = job["usage"]
        yield "Usage", next(each for each in [usage, *usage.get("anyOf", ())] if "properties" in each)["properties"]

    def test_has_the_fields_that_we_have(self) -> None:
        ours = {"Job": Job, "Artifact": Artifact, "Runtime": Runtime, "Usage": Usage}
        for name, schema in self.schemas():
            with self.subTest(name):
                self.assertEqual({each.name for each in fields(ours[name])}, set(schema))

    def test_has_the_spec_that_we_have(self) -> None:
        job = Client(URL).run("pass").job
        # Told only of a job that has one.
        self.assertEqual(set(Spec.__annotations__) - {"callback_url"}, set(job.spec))


if __name__ == "__main__":
    unittest.main()
