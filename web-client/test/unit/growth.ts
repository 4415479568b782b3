/** The least of a few times, in ms, since what else the machine does only adds; one below `enough` is not repeated. */
function timeOf(run: () => unknown, enough: number): number {
  let least = Infinity;
  for (let i = 0; i < 4 && least > enough; i += 1) {
    const before = performance.now();
    run();
    least = Math.min(least, performance.now() - before);
  }
  return least;
}

const LENGTHS = [1_000, 8_000, 64_000];
/** What is linear takes less for 64,000 characters, what is quadratic ten times as long. */
const MEASURABLE_MS = 100;

/**
 * How much more than the text the work grows, up to the size of an event: 1 where it is in proportion, or too little to
 * be measured; 8 where it grows with the square.
 */
export function growthOf(
  work: (text: string) => unknown,
  text: (length: number) => string,
): number {
  for (const [i, length] of LENGTHS.entries()) {
    const long = text(length);
    const time = timeOf(() => work(long), MEASURABLE_MS);
    if (time < MEASURABLE_MS) continue;
    const shorter = LENGTHS[i - 1] ?? 100;
    const short = text(shorter);
    const times = length / shorter;
    // As much text in one go: a busy machine interrupts what takes long, and that alone, so both take long.
    const pieces = () => {
      for (let piece = 0; piece < times; piece += 1) work(short);
    };
    const growth = time / timeOf(pieces, 0);
    if (growth > 4) return growth;
  }
  return 1;
}

/** `part` over and over, between two others. */
export const pumped =
  (start: string, part: string, end = "") =>
  (length: number): string =>
    start + part.repeat(Math.ceil(length / part.length)) + end;
