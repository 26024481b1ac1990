import { giveWay } from "@quartet/turns";
import { type CollectionEntry, Tenant } from "./catalogue.ts";
import type { Database } from "./database.ts";
import type { TenantGraph } from "./tenant-graph.ts";

/** What the three ports of the embedded store share: one file, and its image in memory. */
export class EmbeddedState {
  readonly database: Database;
  readonly nowMs: () => number;
  readonly tenants = new Map<string, Tenant>();
  readonly termIds = new Map<string, number>();
  /** Of the tenants that have one. */
  readonly graphs = new Map<string, TenantGraph>();
  readonly #background = new Set<Promise<void>>();
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

  /** Begins a merge of the tenant's postings where one is due. */
  mergeWhereDue({ postings }: Tenant): void {
    if (postings.wantsMerge) this.inBackground(postings.merge());
  }

  /**
   * Does work step by step until it is done or the store is closed, with a pause between the steps, in which calls have room. Default: where
   * the turn of the event loop has become long. The steps must not throw.
   */
  inBackground(
    steps: Generator<void, void, void>,
    { pause }: { readonly pause: () => Promise<unknown> | undefined } = { pause: giveWay },
  ): void {
    const work = this.#run(steps, pause).finally(() => this.#background.delete(work));
    this.#background.add(work);
  }

  async #run(steps: Generator<void, void, void>, pause: () => Promise<unknown> | undefined): Promise<void> {
    while (steps.next().done !== true) {
      await pause();
      if (this.#isClosed) steps.return();
    }
  }

  /** Resolves when nothing is at work any longer. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#background);
    this.database.close();
  }
}
