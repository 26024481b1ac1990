import { ConnectError } from "@connectrpc/connect";

/** What a call failed with. */
export async function failure(call: Promise<unknown>): Promise<ConnectError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof ConnectError) return error;
  throw new Error("the call did not fail as a call does", { cause: error });
}
