import { runTask } from "@quartet/service";
import { migrateDatabase } from "./operator/migrate-database.ts";

await runTask(migrateDatabase);
