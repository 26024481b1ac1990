/**
 * `npm run bench threads`: from how many vectors on a scan is better done in a worker thread: what it costs the thread that answers all other calls.
 * CPU time, which other work on the machine moves little. Why in this way: ../README.md.
 */
import { parseArgs } from "node:util";
import { DenseRows, HashedRows, type VectorRows } from "@quartet/retrieval-service/floor";
import { createWorkerPool } from "@quartet/workers";
import { type Columns, numberOf, outputOptions, tell, toTable } from "./command.ts";
import { createRandom } from "./random.ts";

const { values } = parseArgs({
  options: {
    sizes: { type: "string", default: "1000,5000,10000,20000,50000,100000" },
    rounds: { type: "string", default: "40" },
    json: outputOptions.json,
  },
});
const sizes = values.sizes.split(",").map((size) => numberOf("sizes", size));
const rounds = numberOf("rounds", values.rounds);

const random = createRandom(20_261_121);
const denseVector = () => ({
  kind: "float32" as const,
  values: Float32Array.from({ length: 384 }, () => random() - 0.5),
});
/** As of a passage, or of a question: so many of 2,048 components are not 0. */
const hashedVector = (nonZeros: number) => {
  const bytes = new Int8Array(2_048);
  for (let count = 0; count < nonZeros; count += 1)
    bytes[Math.floor(random() * 2_048)] = 1 + Math.floor(random() * 100);
  return { kind: "int8" as const, values: bytes, scale: 1 };
};

const kinds: readonly {
  readonly name: string;
  readonly create: () => VectorRows;
  readonly passage: () => Parameters<VectorRows["set"]>[1];
  readonly question: () => Parameters<VectorRows["set"]>[1];
}[] = [
  { name: "float32 x 384", create: () => new DenseRows(384), passage: denseVector, question: denseVector },
  {
    name: "hashed x 2,048",
    create: () => new HashedRows(2_048),
    passage: () => hashedVector(500),
    question: () => hashedVector(90),
  },
];

const workers = createWorkerPool({ size: 1 });
const signal = new AbortController().signal;

/** What the calling thread computed for each of so many, in milliseconds: all together, since its clock is a coarse one. */
async function ownTime(scan: () => unknown): Promise<number> {
  // Compiled, and with its thread started.
  for (let round = 0; round < 3; round += 1) await scan();
  const before = process.threadCpuUsage();
  for (let round = 0; round < rounds; round += 1) await scan();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000 / rounds;
}

interface Cell {
  readonly kind: string;
  readonly rows: number;
  readonly hereMs: number;
  readonly besideThreadMs: number;
}

const cells: Cell[] = [];
for (const { name, create, passage, question } of kinds) {
  const rows = create();
  for (const size of sizes) {
    while (rows.size < size) rows.set(rows.size, passage());
    const queries = Array.from({ length: rounds }, question);
    let asked = 0;
    const next = () => queries[(asked += 1) % rounds]!;
    let best = 0;
    const visit = (_slot: number, score: number) => void (best = Math.max(best, score));
    const hereMs = await ownTime(() => {
      for (const _step of rows.scan(next(), undefined, visit));
    });
    const besideThreadMs = await ownTime(async () => {
      const scanned = await rows.scanInThread(next(), workers, signal);
      scanned.forEach(undefined, visit);
      scanned.close();
    });
    cells.push({ kind: name, rows: size, hereMs, besideThreadMs });
  }
}
await workers.close();

const columns: Columns<Cell> = [
  ["vectors", ({ kind }) => kind],
  ["rows", ({ rows }) => String(rows)],
  ["here ms", ({ hereMs }) => hereMs.toFixed(2)],
  ["beside a thread ms", ({ besideThreadMs }) => besideThreadMs.toFixed(2)],
];
const note = `CPU time of the calling thread for one scan, the mean of ${rounds}.`;
// There is no target: from how many vectors on a thread is asked is decided by the figures.
await tell(
  { text: `${toTable(columns, cells, 20)}\n${note}`, figures: { rounds, cells }, met: true },
  { ...values, check: false },
);
