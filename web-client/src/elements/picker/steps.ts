/**
 * Where a key leads among cells that stand in groups, row by row. `at` and the answer are numbers among all of them, -1 is
 * before the first; undefined: the key means nothing here.
 */
export function step(
  key: string,
  at: number,
  sizes: readonly number[],
  columns: number,
): number | undefined {
  const all = sizes.reduce((sum, size) => sum + size, 0);
  if (all === 0) return undefined;
  if (at < 0) return key === "ArrowDown" ? 0 : undefined;
  if (key === "ArrowRight") return Math.min(at + 1, all - 1);
  if (key === "ArrowLeft") return at - 1;
  if (key !== "ArrowDown" && key !== "ArrowUp") return undefined;
  let first = 0;
  const group = sizes.findIndex((size) => {
    if (at < first + size) return true;
    first += size;
    return false;
  });
  const size = sizes[group]!;
  const inGroup = at - first;
  const column = inGroup % columns;
  if (key === "ArrowDown") {
    if (inGroup + columns < size) return at + columns;
    const lastRow = size - 1 - ((size - 1) % columns);
    if (inGroup < lastRow) return first + size - 1;
    const next = sizes[group + 1];
    return next === undefined ? at : first + size + Math.min(column, next - 1);
  }
  if (inGroup >= columns) return at - columns;
  const before = sizes[group - 1];
  if (before === undefined) return -1;
  const lastRow = before - 1 - ((before - 1) % columns);
  return first - before + Math.min(lastRow + column, before - 1);
}
