import { LRUCache } from "../../platform/caches.ts";
import { createSingleFlight } from "../../platform/single-flight.ts";

/** Items of answers that are remembered; their questions count, too. */
const KEPT = 20_000;
/** Letters of a question that count as an item. */
const ITEM_LETTERS = 50;

/**
 * The same question, asked once for all who ask it of the same log positions. One change wakes
 * everybody who shares a room with a user, and most of them have a token of the same position. The
 * answer must not change, as that about the past does not. Questions with one key are the same.
 */
export function sharedAnswers<Question, Item>(
  keyOf: (question: Question) => string,
  ask: (question: Question) => Promise<readonly Item[]>,
): (question: Question) => Promise<readonly Item[]> {
  const known = new LRUCache<string, readonly Item[]>({
    maxSize: KEPT,
    sizeCalculation: (items, key) => 1 + items.length + Math.ceil(key.length / ITEM_LETTERS),
  });
  const underWay = createSingleFlight<string, readonly Item[]>();
  return async (question) => {
    const key = keyOf(question);
    const found = known.get(key);
    if (found !== undefined) return found;
    const answer = await underWay.run(key, () => ask(question));
    known.set(key, answer);
    return answer;
  };
}
