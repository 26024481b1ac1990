/** `npm run bench quality-plot`: draws what `quartet eval --json` printed, one file for each run. */
import { readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { parseArgs } from "node:util";
import { type QualityRun, toQualitySvg } from "./quality-report.ts";

const docs = path.resolve(import.meta.dirname, "../../docs");
const { values } = parseArgs({
  options: {
    /** A folder with the runs. */
    runs: { type: "string", default: path.join(docs, "quality") },
    svg: { type: "string", default: path.join(docs, "quality.svg") },
  },
});

const names = (await readdir(values.runs)).filter((name) => name.endsWith(".json")).sort();
const runs = await Promise.all(
  names.map(async (name) => JSON.parse(await readFile(path.join(values.runs, name), "utf8")) as QualityRun),
);
await writeFile(values.svg, toQualitySvg(runs));
