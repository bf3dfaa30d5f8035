"""GET /metrics of a running agent is Prometheus' text format, and counts what was asked of it."""

import http.client
import re
import unittest

import harness

SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? (\S+)')


def parse(text):
    """{(name, labels): value}; fails on what Prometheus would not take."""
    samples, types, family = {}, {}, None
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, family, kind = line.split(" ")
            assert family not in types, f"two heads of {family}"
            types[family] = kind
        elif not line.startswith("# HELP "):
            match = SAMPLE.fullmatch(line)
            assert match, f"no sample: {line!r}"
            name, labels, value = match.groups()
            base = re.sub(r"_(bucket|sum|count)$", "", name) if types.get(family) == "histogram" else name
            assert base == family, f"{name} stands under {family}"
            assert (name, labels or "") not in samples, f"twice: {line!r}"
            samples[name, labels or ""] = float(value)
    return samples


class Metrics(unittest.TestCase):
    def setUp(self):
        self.port = harness.free_port()
        self.agent = harness.start_agent(self, metrics={"listen": f"127.0.0.1:{self.port}"})

    def scrape(self, method="GET", target="/metrics"):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            return harness.exchange(connection, method, target)
        finally:
            connection.close()

    def test_requests_are_counted_by_route_and_status_and_no_id_is_shown(self):
        made = self.agent.request("POST", "/v1/secrets", json_body={"payload": "x", "payload_content_type": "text/plain"})
        secret = made.headers["location"].rsplit("/", 1)[1]
        for _ in range(3):
            self.agent.request("GET", f"/v1/secrets/{secret}/payload", headers={"Accept": "text/plain"})
        self.agent.request("GET", f"/v1/secrets/{secret}x/payload", headers={"Accept": "text/plain"})
        answer = self.scrape()
        self.assertEqual(answer.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8")
        text = answer.body.decode()
        samples = parse(text)
        route = 'door="rest",route="/v1/secrets/{secret}/payload",method="GET"'
        self.assertEqual(samples["sallyport_http_requests_total", f'{route},status="200"'], 3)
        self.assertEqual(samples["sallyport_http_requests_total", f'{route},status="404"'], 1)
        self.assertEqual(samples["sallyport_http_request_duration_seconds_count", route], 4)
        self.assertEqual(samples["sallyport_http_request_duration_seconds_bucket", f'{route},le="+Inf"'], 4)
        self.assertNotIn(secret, text)
        self.assertNotIn(harness.PROJECT, text)

    def test_it_tells_of_database_cache_arena_and_lanes(self):
        self.agent.request("POST", "/v1/secrets", json_body={"payload": "x", "payload_content_type": "text/plain"})
        samples = parse(self.scrape().body.decode())
        names = {name for name, _ in samples}
        for name in ("sallyport_database_commit_groups_total", "sallyport_database_writes_total", "sallyport_database_sessions",
                     "sallyport_database_write_duration_seconds_count", "sallyport_kek_cache_entries",
                     "sallyport_arena_used_bytes", "sallyport_lane_queue_depth", "sallyport_lane_busy",
                     "sallyport_lane_rejected_total", "process_resident_memory_bytes"):
            self.assertIn(name, names)
        self.assertGreaterEqual(samples["sallyport_database_writes_total", ""], 1)
        self.assertIn(("sallyport_lane_calls_total", 'lane="keys"'), samples)

    def test_the_unix_socket_shows_them_too_and_the_metrics_door_nothing_else(self):
        self.assertEqual(self.agent.request("GET", "/metrics").status, 200)
        self.assertEqual(self.scrape(target="/v1/secrets").status, 404)
        self.assertEqual(self.scrape(method="POST").status, 404)


if __name__ == "__main__":
    unittest.main()
