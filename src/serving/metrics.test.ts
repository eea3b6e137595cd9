import { expect, test } from "vitest";
import { Metrics } from "./metrics.ts";

test("worked example: counters by endpoint and status, buckets that count everything below them", () => {
  const metrics = new Metrics();
  metrics.countRequest("/v1/completions", 200);
  metrics.countRequest("/v1/completions", 200);
  metrics.countRequest("other", 404);
  for (const seconds of [0.004, 0.03, 400]) metrics.observeRequest(seconds);
  const lines = metrics.render({ running: 3, waiting: 1, slots: 4 }).split("\n");
  expect(lines).toContain('bitmend_requests_total{endpoint="/v1/completions",status="200"} 2');
  expect(lines).toContain('bitmend_requests_total{endpoint="other",status="404"} 1');
  expect(lines).toContain("bitmend_running 3");
  expect(lines).toContain('bitmend_request_seconds_bucket{le="0.005"} 1');
  expect(lines).toContain('bitmend_request_seconds_bucket{le="300"} 2');
  expect(lines).toContain('bitmend_request_seconds_bucket{le="+Inf"} 3');
  expect(lines).toContain("bitmend_request_seconds_sum 400.034");
  // Every line is a comment, or a name, perhaps labels, and a number.
  for (const line of lines.slice(0, -1))
    expect(line).toMatch(/^(?:# (?:HELP|TYPE) \S+ .+|\w+(?:\{[^}]*\})? [\d.e+]+)$/u);
});
