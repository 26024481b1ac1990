/** A page size as asked for: `standard` for 0, lowered to `most`. What is absurd was refused before. */
export function pageSizeOf(
  asked: number,
  { standard, most }: { readonly standard: number; readonly most: number },
): number {
  return asked <= 0 ? standard : Math.min(asked, most);
}
