/** What keeps a process from starting and whoever runs it can mend. The message is shown as it is: lines that say what to do. */
export class StartError extends Error {
  override readonly name: string = "StartError";
}

/** What was asked for on a command line makes no sense. */
export class UsageError extends StartError {
  override readonly name: string = "UsageError";
}

/**
 * Says what to do about a port that cannot be had, which Node tells in codes only.
 *
 * @returns a StartError for such an error, else the error itself
 */
export function explained(error: unknown): unknown {
  const { code, port } = (error ?? {}) as NodeJS.ErrnoException & { readonly port?: number };
  if (code === "EADDRINUSE")
    return new StartError(
      `Port ${port} is in use by another process. Stop that one, or set another port (QUARTET_PORT is the gateway's).`,
      { cause: error },
    );
  if (code === "EACCES" && port !== undefined)
    return new StartError(`Port ${port} may not be taken by this user. Set a port from 1024 on.`, { cause: error });
  return error;
}
