import { runTask } from "@quartet/service";
import { createTokensTask } from "./operator/tokens.ts";

await runTask(createTokensTask(process.argv.slice(2), (line) => void process.stderr.write(`${line}\n`)));
