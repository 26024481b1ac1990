import { runTask } from "@quartet/service";
import { createModelsTask } from "./operator/models.ts";

await runTask(createModelsTask(process.argv.slice(2), (line) => void process.stderr.write(`${line}\n`)));
