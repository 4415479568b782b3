/**
 * Made-up stories: rows of actions that are drawn by chance, each row from its own beginning.
 * WEFT_MODEL_RUNS says how many there are, WEFT_MODEL_SEED which.
 */
import fc from "fast-check";
import { expect, test } from "vitest";

/** What is done, by whom, where; `whom` is somebody else, `chance` what the story makes of it. */
export interface Action<Does extends string> {
  readonly does: Does;
  readonly who: number;
  readonly whom: number;
  readonly where: number;
  readonly chance: number;
}

export interface Story<Does extends string> {
  act(one: Action<Does>): Promise<void>;
  /** Brings it to an end, and compares what has to be so then. */
  end(): Promise<void>;
}

interface Plot<Does extends string> {
  /** How often each thing is done, beside the others. */
  readonly does: Readonly<Record<Does, number>>;
  readonly users: number;
  readonly rooms: number;
  /** Fewest and most actions. */
  readonly length: readonly [number, number];
  /** Unless WEFT_MODEL_RUNS says otherwise. */
  readonly runs: number;
  /** No story takes longer on the busiest machine, ms. */
  readonly msPerRun: number;
  begin(run: number): Promise<Story<Does>>;
  /** How often clients were told of device lists: stories in which nothing is told show nothing. */
  told(): number;
}

export const MAX_CHANCE = 999;

export function testStories<Does extends string>(title: string, plot: Plot<Does>): void {
  const { WEFT_MODEL_RUNS: runs = plot.runs, WEFT_MODEL_SEED: seed } = process.env;
  const numRuns = Number(runs);
  const weights = Object.entries<number>(plot.does) as [Does, number][];
  const action: fc.Arbitrary<Action<Does>> = fc.record({
    does: fc.oneof(...weights.map(([does, weight]) => ({ weight, arbitrary: fc.constant(does) }))),
    who: fc.nat({ max: plot.users - 1 }),
    whom: fc.nat({ max: plot.users - 1 }),
    where: fc.nat({ max: plot.rooms - 1 }),
    chance: fc.nat({ max: MAX_CHANCE }),
  });
  const [minLength, maxLength] = plot.length;
  let run = 0;

  test(title, { timeout: 120_000 + numRuns * plot.msPerRun }, async () => {
    const property = fc.asyncProperty(
      fc.array(action, { minLength, maxLength, size: "max" }),
      async (actions) => {
        run += 1;
        const story = await plot.begin(run);
        for (const one of actions) await story.act(one);
        await story.end();
      },
    );
    await fc.assert(property, {
      numRuns,
      endOnFailure: true,
      ...(seed !== undefined && { seed: Number(seed) }),
    });
    expect(plot.told()).toBeGreaterThan(numRuns);
  });
}
