import { isStoreRefusing } from "./sql.ts";

/** Callers whose questions go into one query, at most. */
const MAX_CALLERS = 1_000;

interface Call<Q, A> {
  readonly question: Q;
  readonly resolve: (answer: A) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Lets concurrent callers share one query: whatever they ask before all of them wait is asked at
 * once, so that many who each read a step after another take a query for each step, and not for
 * each of them. `read` answers in the order of the questions, and begins after the last of them was
 * asked. Where it fails for one of them, the others get their answers still.
 */
export function shareQuery<Q, A>(
  read: (questions: readonly Q[]) => Promise<readonly A[]>,
): (question: Q) => Promise<A> {
  let calls: Call<Q, A>[] = [];

  async function answer(these: readonly Call<Q, A>[]): Promise<void> {
    try {
      const answers = await read(these.map(({ question }) => question));
      these.forEach(({ resolve }, at) => resolve(answers[at]!));
    } catch (error) {
      if (these.length === 1 || isStoreRefusing(error)) for (const one of these) one.reject(error);
      else for (const one of these) await answer([one]);
    }
  }

  function ask(): void {
    const these = calls;
    calls = [];
    for (let at = 0; at < these.length; at += MAX_CALLERS) {
      void answer(these.slice(at, at + MAX_CALLERS));
    }
  }

  return (question) =>
    new Promise((resolve, reject) => {
      // After all that is still to run: a tick within a promise's job comes after all such jobs.
      if (calls.length === 0) void Promise.resolve().then(() => process.nextTick(ask));
      calls.push({ question, resolve, reject });
    });
}

/**
 * The same for rows that are read by keys: each caller gets the rows of its own keys, in no order
 * but that of a key's rows. `idOf` and `idOfRow` say which rows are a key's.
 */
export function shareRows<K, Row>(
  read: (keys: readonly K[]) => Promise<readonly Row[]>,
  idOf: (key: K) => string | number,
  idOfRow: (row: Row) => string | number,
): (keys: readonly K[]) => Promise<readonly Row[]> {
  return shareQuery(async (questions) => {
    const [only, ...others] = questions;
    if (only === undefined || others.length === 0) return [await read(only ?? [])];
    const asked = new Map(questions.flat().map((key) => [idOf(key), key]));
    const rows = Map.groupBy(await read([...asked.values()]), idOfRow);
    return questions.map((keys) => keys.flatMap((key) => rows.get(idOf(key)) ?? []));
  });
}
