import type { Log } from "../../../src/log/log.ts";
import { inTime } from "../../support/wait.ts";

/** A log that commits no more at some moment, as when the process is killed: whoever appends hears nothing. */
export function mortalLog(log: Log) {
  let left = Infinity;
  const death = Promise.withResolvers<void>();
  const append: Log["append"] = (rows) => {
    if (left > 0) {
      left -= 1;
      return log.append(rows);
    }
    death.resolve();
    return new Promise(() => {});
  };
  const mortal = new Proxy(log, {
    get: (target, key: keyof Log) => (key === "append" ? append : target[key]),
  });
  return {
    mortal,
    isDead: () => left === 0,
    dieAfter(commits: number): Promise<void> {
      left = commits;
      return inTime(`a commit after ${commits} more is wanted`, death.promise);
    },
  };
}
