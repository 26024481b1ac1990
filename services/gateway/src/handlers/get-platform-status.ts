import type { OperationsService } from "@quartet/contracts/gateway/v1/operations_service";
import type { Collection } from "@quartet/contracts/type/v1/collection";
import type { PlatformStatus } from "@quartet/contracts/type/v1/status";
import { fieldInvalid } from "@quartet/errors";
import { type Handler, principalOf } from "@quartet/rpc";
import type { FieldMask } from "@bufbuild/protobuf/wkt";
import type { Degradation } from "../domain/outcome.ts";
import type { Replica, Replicas } from "../hops/replicas.ts";
import { mergeReports, type Report } from "../platform-status.ts";
import { reportRefused } from "../refused-passages.ts";
import type { Admission } from "./admission.ts";

/** What may be left out; when the figures were taken and what is missing in them is always told. */
const parts = ["instances", "pools", "queues", "caches", "keys", "budgets", "counts"] as const;

type Part = (typeof parts)[number];

const known: ReadonlySet<string> = new Set([...parts, "snapshot_time", "degradations"]);

/** Asks every process that is known of for its figures, all at once, and adds them up. */
export function createGetPlatformStatus({
  admission,
  replicas,
  own,
  collections,
}: {
  readonly admission: Admission;
  readonly replicas: Pick<Replicas, "list">;
  /** This process's own figures. */
  readonly own: (signal: AbortSignal) => Promise<Report>;
  /** All collections of a tenant. */
  readonly collections: (tenant: string, signal: AbortSignal) => Promise<readonly Collection[]>;
}): Handler<typeof OperationsService.method.getPlatformStatus> {
  return admission.unary(async ({ readMask }, context) => {
    const wanted = partsIn(readMask);
    const { signal } = context;
    const { tenant } = principalOf(context);
    const [mine, others, refused] = await Promise.all([
      own(signal),
      askAll(await replicas.list(signal), tenant, signal),
      wanted.has("counts") ? reportRefused(collections(tenant, signal)) : {},
    ]);
    signal.throwIfAborted();
    const status = mergeReports([...others.reports, mine, refused], others.missing);
    return { status: keepOnly(status, wanted) };
  });
}

async function askAll(replicas: readonly Replica[], tenant: string, signal: AbortSignal) {
  const answers = await Promise.allSettled(replicas.map((replica) => replica.report(tenant, signal)));
  signal.throwIfAborted();
  const silent = replicas.filter((_, index) => answers[index]?.status === "rejected").map(({ service }) => service);
  return {
    reports: answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : [])),
    missing: [...new Set(silent)].map((service) =>
      replicasMissing(
        service,
        silent.filter((each) => each === service).length,
        replicas.filter((each) => each.service === service).length,
      ),
    ),
  };
}

const replicasMissing = (service: string, silent: number, all: number): Degradation => ({
  hop: service,
  reason: "REPLICAS_MISSING",
  source: "",
  message: `${silent} of ${all} replicas of ${service} did not tell their figures; see whether they run and can be reached.`,
});

/** @throws INVALID_ARGUMENT naming a part that there is not */
function partsIn(mask: FieldMask | undefined): ReadonlySet<Part> {
  if (mask === undefined || mask.paths.length === 0) return new Set(parts);
  const unknown = mask.paths.find((path) => !known.has(path));
  if (unknown === undefined) return new Set(parts.filter((part) => mask.paths.includes(part)));
  throw fieldInvalid("read_mask", `names a part that there is not; there are ${[...known].join(", ")}`);
}

function keepOnly(status: PlatformStatus, wanted: ReadonlySet<Part>): PlatformStatus {
  const emptied = Object.fromEntries(parts.filter((part) => !wanted.has(part)).map((part) => [part, []]));
  return { ...status, ...emptied };
}
