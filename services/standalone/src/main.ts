import { runMain } from "@quartet/service";
import { createApp, parseConfig } from "./app.ts";

await runMain((environment) => createApp(parseConfig(environment)));
