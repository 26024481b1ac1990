import type { Schema } from "@quartet/postgres";

/** The roles of this service: one acts for a tenant, the other carries changes of all tenants to the keyword index. */
export const roles = { service: "quartet_retrieval", projector: "quartet_projector" } as const;

/** Everything of this service in PostgreSQL. */
export const schema: Schema = {
  name: "quartet_retrieval",
  roles: [roles.service, roles.projector],
  migrations: new URL("../../../migrations/", import.meta.url),
  command: "npm run migrate",
};
