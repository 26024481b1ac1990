import * as prom from "prom-client";
import { type MetricKind, type MetricName, metricNames } from "./metric-names.ts";

type Names<K extends MetricKind> = {
  [N in MetricName]: (typeof metricNames)[N]["kind"] extends K ? N : never;
}[MetricName];
type Labels<N extends MetricName> = (typeof metricNames)[N]["labels"][number];

/** One series for each combination of labels; `with` gives one of them, to be kept where it is used often. */
export interface Counter<L extends string> {
  with(labels: Readonly<Record<L, string>>): { add(amount?: number): void };
}
export interface Gauge<L extends string> {
  with(labels: Readonly<Record<L, string>>): { add(amount: number): void; set(value: number): void };
}
export interface Histogram<L extends string> {
  with(labels: Readonly<Record<L, string>>): { observe(value: number): void };
}

export interface Metrics {
  /** Counters only grow. */
  counter<N extends Names<"counter">>(name: N): Counter<Labels<N>>;
  gauge<N extends Names<"gauge">>(name: N): Gauge<Labels<N>>;
  /** Durations in seconds, in buckets from 1 ms to 60 s. */
  histogram<N extends Names<"histogram">>(name: N): Histogram<Labels<N>>;
  /** What a scraper reads: all series in Prometheus' text format. */
  exposition(): Promise<{ contentType: string; text: string }>;
  /** Stops what is measured in the background. */
  close(): void;
}

export interface MetricsOptions {
  /** Which process is measured, as `gateway`: the label `component` of every series. */
  readonly component: string;
  /** Whether memory, CPU, garbage collection and event loop lag of the process are measured too. Default: true. */
  readonly processMetrics?: boolean;
}

const durationBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** A registry of its own, so that several can live in one process: five services in one, or tests side by side. */
export function createMetrics({ component, processMetrics = true }: MetricsOptions): Metrics {
  const registry = new prom.Registry();
  registry.setDefaultLabels({ component });
  if (processMetrics) prom.collectDefaultMetrics({ register: registry });

  /** The one series family of a name, made on first use; asking again gives the same. */
  const family = <M extends prom.Metric>(name: MetricName, make: (options: FamilyOptions) => M): M => {
    const existing = registry.getSingleMetric(name) as M | undefined;
    const { help, labels } = metricNames[name];
    return existing ?? make({ name, help, labelNames: [...labels], registers: [registry] });
  };

  const sums = createSums();

  return {
    counter(name) {
      const counter = family(name, (options) => new prom.Counter(options));
      return {
        with: (labels) => {
          const sum = sums.of(name, labels, (amount) => counter.inc(labels, amount));
          return {
            add: (amount = 1) => {
              if (amount < 0) throw new RangeError(`${name} only grows.`);
              addTo(sum, amount);
            },
          };
        },
      };
    },
    gauge(name) {
      const gauge = family(name, (options) => new prom.Gauge(options));
      return {
        with: (labels) => {
          const sum = sums.of(name, labels, (amount) => gauge.inc(labels, amount));
          return {
            add: (amount) => addTo(sum, amount),
            set: (value) => {
              sum.untold = undefined;
              gauge.set(labels, value);
            },
          };
        },
      };
    },
    histogram(name) {
      const histogram = family(name, (options) => new prom.Histogram({ ...options, buckets: durationBuckets }));
      return {
        with: (labels) => {
          const series = histogram.labels(labels);
          return { observe: (value) => series.observe(value) };
        },
      };
    },
    async exposition() {
      sums.tell();
      return { contentType: registry.contentType, text: await registry.metrics() };
    },
    close: () => registry.clear(),
  };
}

/** What was added to one series since it was last told: prom-client checks and hashes the labels of each amount anew, many times in a call. */
interface Sum {
  untold: number | undefined;
  readonly tell: (amount: number) => void;
}

interface Sums {
  /** The one sum of a series; `tell` is used if it is new. */
  of(name: MetricName, labels: Readonly<Record<string, string>>, tell: Sum["tell"]): Sum;
  /** Tells what has been added everywhere. */
  tell(): void;
}

function createSums(): Sums {
  const sums = new Map<string, Sum>();
  return {
    of(name, labels, tell) {
      const key = [name, ...metricNames[name].labels.map((label) => labels[label])].join("\n");
      let sum = sums.get(key);
      if (sum === undefined) sums.set(key, (sum = { untold: undefined, tell }));
      return sum;
    },
    tell() {
      for (const sum of sums.values()) {
        if (sum.untold !== undefined) sum.tell(sum.untold);
        sum.untold = undefined;
      }
    },
  };
}

/** Whoever adds what is no number is told at once, and not whoever looks. */
function addTo(sum: Sum, amount: number): void {
  if (!Number.isFinite(amount)) throw new TypeError(`${amount} is no amount.`);
  sum.untold = (sum.untold ?? 0) + amount;
}

interface FamilyOptions {
  name: string;
  help: string;
  labelNames: string[];
  registers: prom.Registry[];
}
