let end: Promise<void> | undefined;

/** Resolves when all that is ready in this turn of the event loop has been done. */
export function turnsEnd(): Promise<void> {
  return (end ??= new Promise((resolve) => {
    setImmediate(() => {
      end = undefined;
      resolve();
    });
  }));
}
