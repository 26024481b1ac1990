import type { Schema } from "@quartet/postgres";

/** The role that the gateway acts as: it owns nothing and sees one tenant's rows at a time. */
export const role = "quartet_gateway";

/** Everything of the gateway in PostgreSQL. */
export const schema: Schema = {
  name: "quartet_gateway",
  roles: [role],
  migrations: new URL("../../../migrations/", import.meta.url),
  command: "npm run migrate",
};
