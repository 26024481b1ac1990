/**
 * `npm run bench vectors`: nearest passages in PostgreSQL, by exact scan and by index: time, recall against the exact scan, build time and size.
 * It works in a database of its own on the server of DATABASE_URL, and drops it. What is measured, and why in this way: ../README.md.
 */
import { writeFile } from "node:fs/promises";
import { availableParallelism, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { storesForTests } from "@quartet/testing";
import { measureVectors } from "./measure-vectors.ts";
import { toVectorCsv, toVectorSvg, toVectorTables } from "./vector-report.ts";

const { values } = parseArgs({
  options: {
    sizes: { type: "string", default: "10000,50000" },
    dimensions: { type: "string", default: "384" },
    questions: { type: "string", default: "50" },
    /** Passages asked for. */
    limit: { type: "string", default: "10" },
    /** Of a superuser, or a login that may create databases and roles. Default: DATABASE_URL. */
    database: { type: "string", default: process.env["DATABASE_URL"] ?? "" },
    /** Files. */
    json: { type: "string" },
    csv: { type: "string" },
    svg: { type: "string" },
    /** Exit code 1 where fewer passages are found than asked for, or recall is below .95. */
    check: { type: "boolean", default: false },
  },
});

function positive(option: "sizes" | "dimensions" | "questions" | "limit"): readonly number[] {
  const numbers = values[option].split(",").map(Number);
  if (numbers.every((number) => Number.isInteger(number) && number > 0)) return numbers;
  process.stderr.write(`--${option} takes ${option === "sizes" ? "whole numbers" : "a whole number"} above 0.\n`);
  process.exit(2);
}

if (values.database === "") {
  process.stderr.write(
    "Set DATABASE_URL, or --database, to a PostgreSQL with pgvector: `npm run stores start postgres` prints one.\n",
  );
  process.exit(2);
}
const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());

const { stores } = storesForTests(["postgres"], { QUARTET_TEST_DATABASE_URL: values.database });
await using database = await stores!.postgres.createDatabase();
const measured = await measureVectors({
  url: database.url,
  sizes: positive("sizes"),
  dimensions: positive("dimensions")[0]!,
  questions: positive("questions")[0]!,
  limit: positive("limit")[0]!,
  signal: stop.signal,
  progress: (line) => process.stderr.write(`${line}\n`),
});
process.stdout.write(`${measured.server}\n\n${toVectorTables(measured)}\n`);
const machine = { cores: availableParallelism(), node: process.version, load: loadavg()[0] };
if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify({ machine, ...measured }, null, 2)}\n`);
if (values.csv !== undefined) await writeFile(values.csv, toVectorCsv(measured));
if (values.svg !== undefined) await writeFile(values.svg, toVectorSvg(measured));
if (values.check && measured.cells.some(({ found, recall }) => found < 1 || recall < 0.95)) process.exitCode = 1;
