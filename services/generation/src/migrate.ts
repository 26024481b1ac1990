import { migrateLedger } from "@quartet/budget";
import { runTask } from "@quartet/service";

await runTask(migrateLedger);
