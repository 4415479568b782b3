import type { Clock } from "../platform/clock.ts";
import { countFailing, databaseFacts, queueLengths } from "../storage/oversight/health.ts";
import { healthPoints, runningReplicas } from "../storage/oversight/samples.ts";
import type { Sql } from "../storage/sql.ts";

const MINUTE = 60_000;
/** Who has not said anything for longer has stopped. */
const SILENT_MS = 2.5 * MINUTE;
const MAX_COUNTED = 10_000;

/** How long a chart is, and how long each of its steps. */
const SPANS = {
  hour: { lengthMs: 60 * MINUTE, stepMs: MINUTE },
  day: { lengthMs: 24 * 60 * MINUTE, stepMs: 10 * MINUTE },
  week: { lengthMs: 7 * 24 * 60 * MINUTE, stepMs: 60 * MINUTE },
} as const;

export type ServerHealth = ReturnType<typeof createServerHealth>;

/** How the server does, and did. */
export function createServerHealth({ sql, clock }: { readonly sql: Sql; readonly clock: Clock }) {
  return {
    async now() {
      const [replicas, database, queues, failingServers] = await Promise.all([
        runningReplicas(sql, clock.now() - SILENT_MS),
        databaseFacts(sql),
        queueLengths(sql, MAX_COUNTED),
        countFailing(sql),
      ]);
      return {
        ...{ replicas, database, failingServers },
        queues: queues.map(({ name, length }) => ({
          ...{ name, length: Math.min(length, MAX_COUNTED) },
          isMore: length > MAX_COUNTED,
        })),
      };
    },
    async history(span: keyof typeof SPANS) {
      const { lengthMs, stepMs } = SPANS[span];
      return { stepMs, points: await healthPoints(sql, clock.now() - lengthMs, stepMs) };
    },
  };
}
