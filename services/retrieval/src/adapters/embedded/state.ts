import { setImmediate } from "node:timers/promises";
import { type CollectionEntry, Tenant } from "./catalogue.ts";
import type { Database } from "./database.ts";

/** What the three ports of the embedded store share: one file, and its image in memory. */
export class EmbeddedState {
  readonly database: Database;
  readonly nowMs: () => number;
  readonly tenants = new Map<string, Tenant>();
  readonly termIds = new Map<string, number>();
  readonly #merges = new Set<Promise<void>>();
  #isClosed = false;

  constructor(database: Database, nowMs: () => number) {
    this.database = database;
    this.nowMs = nowMs;
  }

  tenant(name: string): Tenant {
    let tenant = this.tenants.get(name);
    if (tenant === undefined) {
      tenant = new Tenant(name);
      this.tenants.set(name, tenant);
    }
    return tenant;
  }

  collection(tenant: string, name: string): CollectionEntry | undefined {
    return this.tenants.get(tenant)?.collections.get(name);
  }

  /** Begins a merge of the tenant's postings where one is due. It yields between its steps. */
  mergeWhereDue({ postings }: Tenant): void {
    if (this.#isClosed || !postings.wantsMerge) return;
    const merge = this.#run(postings.merge()).finally(() => this.#merges.delete(merge));
    this.#merges.add(merge);
  }

  async #run(steps: Generator<void, void, void>): Promise<void> {
    while (!this.#isClosed && steps.next().done !== true) await setImmediate();
  }

  /** Resolves when nothing is written or merged any longer. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#merges);
    this.database.close();
  }
}
