/** Times of answers, counted in classes that grow by a sixth: what is told of them is that exact. */
const FIRST_MS = 0.25;
const GROWTH = 7 / 6;
/** Up to about ten minutes. */
const CLASSES = 96;

export interface AnswerTimes {
  note(ms: number): void;
  /** The time in which this share of the answers came, ms; 0 without any. */
  within(share: number): number;
}

export function createAnswerTimes(): AnswerTimes {
  const counts = new Uint32Array(CLASSES);
  let total = 0;
  return {
    note(ms) {
      const at = Math.ceil(Math.log(Math.max(ms, FIRST_MS) / FIRST_MS) / Math.log(GROWTH));
      counts[Math.min(at, CLASSES - 1)]! += 1;
      total += 1;
    },
    within(share) {
      if (total === 0) return 0;
      let seen = 0;
      const at = counts.findIndex((count) => (seen += count) >= share * total);
      return round(FIRST_MS * GROWTH ** at);
    },
  };
}

export const round = (value: number): number => Math.round(value * 100) / 100;
