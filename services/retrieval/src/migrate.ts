import { runTask } from "@quartet/service";
import { migrateDatabase } from "./migrate-database.ts";

await runTask(migrateDatabase);
