import { runCli } from "./app.ts";

process.exitCode = await runCli(process);
