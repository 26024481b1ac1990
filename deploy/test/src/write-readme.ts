import { writeFileSync } from "node:fs";
import { readme, readmeWithConfiguration } from "./configuration.ts";

writeFileSync(readme, readmeWithConfiguration());
