import { expect, it } from "@jest/globals";
import { createBreakerEvents } from "./breaker-events.ts";
import { createMetrics } from "./metrics.ts";

it("tells how open a breaker is, whom it refused, and each change of its state in the log", async () => {
  const metrics = createMetrics({ component: "test", processMetrics: false });
  const lines: object[] = [];
  const events = createBreakerEvents("store", { metrics, log: { warn: (fields) => void lines.push(fields) } });
  const told = async () => (await metrics.exposition()).text;
  expect(await told()).toMatch(/quartet_hop_breaker_open\{hop="store",[^}]*\} 0\n/);
  events.stateChanged("open", "closed");
  events.refused();
  expect(await told()).toMatch(/quartet_hop_breaker_open\{hop="store",[^}]*\} 1\n/);
  expect(await told()).toMatch(/quartet_hop_breaker_refused_total\{hop="store",[^}]*\} 1\n/);
  events.stateChanged("half-open", "open");
  expect(await told()).toMatch(/quartet_hop_breaker_open\{hop="store",[^}]*\} 0\.5\n/);
  expect(lines).toEqual([
    { hop: "store", from: "closed", to: "open" },
    { hop: "store", from: "open", to: "half-open" },
  ]);
});
