/**
 * A shared amount, such as bytes of memory, used by concurrent tasks; the number of tasks is
 * limited, too.
 */
export interface Budget {
  /** The whole sum. */
  readonly total: number;
  /**
   * Waits, in order, until `amount` is free. Returns the function that gives it back, or undefined
   * when too many wait already.
   * @throws RangeError for more than the total
   */
  acquire(amount: number): Promise<(() => void) | undefined>;
  /** How much is taken, by how many, and how many wait. */
  readonly taken: number;
  readonly running: number;
  readonly waiting: number;
}

export interface BudgetOptions {
  readonly total: number;
  /** Most that work at the same time. */
  readonly concurrency: number;
  /** Most that wait. */
  readonly maxWaiting: number;
}

export function createBudget({ total, concurrency, maxWaiting }: BudgetOptions): Budget {
  const queue: { amount: number; enter: () => void }[] = [];
  let taken = 0;
  let running = 0;

  function enter(amount: number): () => void {
    taken += amount;
    running += 1;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      taken -= amount;
      running -= 1;
      admit();
    };
  }

  /** Strictly in order, so that large amounts are not passed over forever. */
  function admit(): void {
    while (queue.length > 0 && fits(queue[0]!.amount)) queue.shift()!.enter();
  }

  const fits = (amount: number) => running < concurrency && taken + amount <= total;

  return {
    total,
    async acquire(amount) {
      if (amount > total) throw new RangeError(`${amount} is more than the whole of ${total}`);
      if (queue.length === 0 && fits(amount)) return enter(amount);
      if (queue.length >= maxWaiting) return undefined;
      return await new Promise((resolve) => {
        queue.push({ amount, enter: () => resolve(enter(amount)) });
      });
    },
    get taken() {
      return taken;
    },
    get running() {
      return running;
    },
    get waiting() {
      return queue.length;
    },
  };
}
