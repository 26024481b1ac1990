/**
 * Looks until it is so. A limit of its own, since the test's limit ends the test alone: a loop that goes on keeps the process from ending.
 *
 * @param limitMs below the test's own. Default: 15 s.
 * @throws when it has not come to be so.
 */
export async function until(
  condition: () => boolean | Promise<boolean>,
  { limitMs = 15_000, everyMs = 5 }: { readonly limitMs?: number; readonly everyMs?: number } = {},
): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`It has not come to be so within ${limitMs} ms: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
