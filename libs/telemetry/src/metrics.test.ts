import { afterEach, describe, expect, it } from "@jest/globals";
import { createMetrics, metricNames, type Metrics } from "./index.ts";

describe("createMetrics", () => {
  const open: Metrics[] = [];
  const create = (processMetrics = false) => {
    const metrics = createMetrics({ component: "gateway", processMetrics });
    open.push(metrics);
    return metrics;
  };
  afterEach(() => open.splice(0).forEach((metrics) => metrics.close()));

  it("shows what was counted, with its labels and the component", async () => {
    const metrics = create();
    const labels = { service: "quartet.gateway.v1.AnswerService", method: "AnswerQuestion", type: "unary" };
    metrics
      .counter("quartet_rpc_server_handled_total")
      .with({ ...labels, code: "ok" })
      .add();
    metrics.histogram("quartet_rpc_server_duration_seconds").with(labels).observe(0.003);
    const { contentType, text } = await metrics.exposition();
    expect(contentType).toContain("text/plain");
    expect(text).toMatch(
      /quartet_rpc_server_handled_total\{.*method="AnswerQuestion".*code="ok".*component="gateway".*\} 1/,
    );
    expect(text).toMatch(/quartet_rpc_server_duration_seconds_bucket\{le="0.005".*\} 1/);
  });

  it("gives the same family when asked again, and none of another registry", async () => {
    const [one, other] = [create(), create()];
    const labels = { service: "s", method: "m" };
    one.gauge("quartet_rpc_server_in_flight").with(labels).add(2);
    one.gauge("quartet_rpc_server_in_flight").with(labels).add(-1);
    expect((await one.exposition()).text).toMatch(/in_flight\{.*\} 1/);
    expect((await other.exposition()).text).not.toContain("in_flight");
  });

  it("shows sums of all that add to a series, as they are at each look", async () => {
    const metrics = create();
    const inFlight = metrics.gauge("quartet_rpc_server_in_flight");
    const [one, same] = [inFlight.with({ service: "s", method: "m" }), inFlight.with({ method: "m", service: "s" })];
    one.add(1);
    same.add(-1);
    const seen = async () => /in_flight\{.*\} (.*)/.exec((await metrics.exposition()).text)?.[1];
    expect(await seen()).toBe("0");
    one.add(2);
    expect([await seen(), await seen()]).toEqual(["2", "2"]);
    same.set(7);
    one.add(1);
    expect(await seen()).toBe("8");
  });

  it("refuses what is no amount where it is added", () => {
    const metrics = create();
    const refused = metrics.counter("quartet_rpc_server_refused_total").with({ service: "s", method: "m", code: "c" });
    const inFlight = metrics.gauge("quartet_rpc_server_in_flight").with({ service: "s", method: "m" });
    expect(() => refused.add(-1)).toThrow();
    expect(() => refused.add(NaN)).toThrow();
    expect(() => inFlight.add(Infinity)).toThrow();
  });

  it("measures the process and its event loop unless told not to", async () => {
    expect((await create(true).exposition()).text).toContain("nodejs_eventloop_lag_p99_seconds");
  });

  it("has names, help and labels of one form", () => {
    for (const [name, { kind, help, labels }] of Object.entries(metricNames)) {
      expect(name).toMatch(/^quartet_[a-z0-9_]+$/);
      expect(name.endsWith("_total")).toBe(kind === "counter");
      expect(help).toMatch(/^[A-Z].*\.$/);
      for (const label of labels) expect(["tenant", "key", "query", "peer"]).not.toContain(label);
    }
  });
});
