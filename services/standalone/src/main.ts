import { runMain } from "@quartet/service";
import { createApp } from "./app.ts";
import { parseConfig } from "./config.ts";

await runMain((environment) => createApp(parseConfig(environment)));
