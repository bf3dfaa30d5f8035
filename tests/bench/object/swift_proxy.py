#!/usr/bin/python3
"""What encryption costs a real Swift proxy: CPU time of the proxy's processes (and of the agent), of a plain pipeline, of
Swift's own encryption and of the filter `sallyport`, over one cluster. The three take turns, so that whatever else the
machine does hits them alike. Ratios: the extra CPU of Swift's over that of ours (2: ours costs half); of small objects, its
time a request over ours."""

import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
os.environ.setdefault("SALLYPORT_ROOT", str(ROOT))
os.environ.setdefault("SALLYPORT", os.environ.get("SALLYPORT_BIN", str(ROOT / "build/release/bin")) + "/sallyport")
sys.path[:0] = [str(ROOT / "tests/integration"), str(ROOT / "tests/integration/swift")]
import functional  # pylint: disable=wrong-import-position
import pipeline_test  # pylint: disable=wrong-import-position
import swift_agent  # pylint: disable=wrong-import-position
import swift_lab  # pylint: disable=wrong-import-position

LARGE = 64 << 20
SMALL = 4096
ROUNDS = int(os.environ.get("ROUNDS", 8))
SMALL_REQUESTS = int(os.environ.get("SMALL_REQUESTS", 400))


def family(pid):
    """A process and all below it."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid, *(one for child in children for one in family(int(child)))]


def cpu_seconds(pid):
    """In the kernel's nanoseconds: its ticks are longer than a small request."""
    return sum(int(task.read_text().split()[0]) for one in family(pid) for task in Path(f"/proc/{one}/task").glob("*/schedstat")) / 1e9


class Measured:
    """One pipeline: its client, and the processes whose time counts."""

    def __init__(self, proxy, others=()):
        self.client = proxy.client()
        self.pids = [proxy.cluster.processes[proxy.name].pid, *others]
        self.cpu, self.wall = {}, {}
        self.reset()

    def reset(self):
        self.cpu = {"PUT": 0.0, "GET": 0.0}
        self.wall = {"PUT": 0.0, "GET": 0.0}

    def run(self, method, paths, body, status):
        before, begin = sum(map(cpu_seconds, self.pids)), time.monotonic()
        for one in paths:
            answer = self.client.request(method, one, None, body)
            assert answer.status == status, answer
        self.wall[method] += (time.monotonic() - begin) / len(paths)
        self.cpu[method] += sum(map(cpu_seconds, self.pids)) - before


def measure_small(pipelines, size, count):
    """Seconds of CPU (on average) and of time (the median) a request. The pipelines take turns with every single request:
    what else the machine does changes faster than a round of many takes."""
    body = os.urandom(size)
    cpu = {name: {"PUT": 0.0, "GET": 0.0} for name in pipelines}
    times = {name: {"PUT": [], "GET": []} for name in pipelines}
    for method, status in (("PUT", 201), ("GET", 200)):
        for turn in range(-20, count):  # the first ones warm up
            for name, pipeline in pipelines.items():
                pipeline.reset()
                pipeline.run(method, [f"bench/{name}-{size}-{turn}"], body if method == "PUT" else None, status)
                if turn >= 0:
                    times[name][method].append(pipeline.wall[method])
                    cpu[name][method] += pipeline.cpu[method] / count
    return cpu, {name: {method: statistics.median(values) for method, values in of.items()} for name, of in times.items()}


def measure(pipelines, size, count, rounds):
    """Seconds of CPU and of time a request, of each pipeline and method: of the best round, since what else the machine
    does can only add."""
    body = os.urandom(size)
    best = {name: {kind: {"PUT": float("inf"), "GET": float("inf")} for kind in ("cpu", "wall")} for name in pipelines}
    for turn in range(rounds + 1):
        for name, pipeline in pipelines.items():
            pipeline.reset()
            paths = [f"bench/{name}-{size}-{number}" for number in range(count)]
            pipeline.run("PUT", paths, body, 201)
            pipeline.run("GET", paths, None, 200)
            for method in ("PUT", "GET") if turn > 0 else ():  # the first warms up
                best[name]["cpu"][method] = min(best[name]["cpu"][method], pipeline.cpu[method] / count)
                best[name]["wall"][method] = min(best[name]["wall"][method], pipeline.wall[method])
    return ({name: values["cpu"] for name, values in best.items()},
            {name: values["wall"] for name, values in best.items()})


def show(what, ours, other, ratio, goal):
    print(json.dumps({"what": what, "ours": ours, "other": other, "ratio": round(ratio, 2), "goal": f">= {goal}",
                      "met": ratio >= goal}), flush=True)


def main():
    scope = functional.Scope()
    try:
        memory = "/dev/shm" if os.environ.get("IN_MEMORY") else None
        folder = tempfile.mkdtemp(prefix="swift-bench-", dir=memory)
        scope.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        cluster = swift_lab.Cluster(scope, folder)
        agent = swift_agent.start_agent(scope, pipeline_test.SECRETS)
        pipelines = {
            "plain": Measured(cluster.proxy("", "plain")),
            "swift": Measured(cluster.proxy("keymaster encryption", "stock", keymaster=pipeline_test.keymaster_conf())),
            "ours": Measured(cluster.proxy("sallyport", "ours", sallyport={"agent_socket": agent.unix_path}),
                             [agent.process.pid])}
        pipelines["plain"].client.request("PUT", "bench")
        cpu, _ = measure(pipelines, LARGE, 2, ROUNDS)
        gib = (1 << 30) / LARGE
        for method in ("PUT", "GET"):
            plain, swift, ours = (cpu[name][method] * gib for name in ("plain", "swift", "ours"))
            show(f"door 2: {method} of 64 MiB, extra CPU of the proxy over {plain:.2f} s/GiB", f"{ours - plain:.2f} s/GiB",
                 f"{swift - plain:.2f} s/GiB (Swift's encryption)", (swift - plain) / max(ours - plain, 0.01), 2)
        cpu, wall = measure_small(pipelines, SMALL, SMALL_REQUESTS)
        for method in ("PUT", "GET"):
            show(f"door 2: {method} of 4 KiB, CPU with the agent's", f"{cpu['ours'][method] * 1000:.2f} ms",
                 f"{cpu['swift'][method] * 1000:.2f} ms (plain {cpu['plain'][method] * 1000:.2f})",
                 cpu["swift"][method] / cpu["ours"][method], 1)
            show(f"door 2: {method} of 4 KiB, time", f"{wall['ours'][method] * 1000:.2f} ms",
                 f"{wall['swift'][method] * 1000:.2f} ms (plain {wall['plain'][method] * 1000:.2f})",
                 wall["swift"][method] / wall["ours"][method], 1)
    finally:
        scope.close()


if __name__ == "__main__":
    main()
