/** Deliveries to all application services, as they come, change and go. */
import type { Ephemeral } from "../cluster/ephemeral.ts";
import type { Log } from "../log/types.ts";
import type { FollowerOptions } from "../log/follow.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Random } from "../platform/random.ts";
import type { ServerName } from "../protocol/identifiers.ts";
import type { RoomView } from "../rooms/api/index.ts";
import type { Sql } from "../storage/sql.ts";
import type { ServiceCalls } from "./calls.ts";
import { createDelivery, type DeliveryDeps } from "./delivery.ts";
import { asInterests, createInterest } from "./interest.ts";
import { createPieces, TOLD } from "./pieces.ts";
import type { Registration } from "./registration.ts";
import type { Services } from "./services.ts";
import { followEphemeral } from "./volatile.ts";

export interface DeliveriesDeps extends Pick<DeliveryDeps, "counts" | "acknowledged"> {
  readonly sql: Sql;
  readonly log: Pick<Log, "follow" | "position">;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly serverName: ServerName;
  readonly services: Services;
  readonly view: RoomView;
  readonly ephemeral: Pick<Ephemeral, "typing" | "presence" | "onChange">;
  readonly callsOf: (service: Registration) => Pick<ServiceCalls, "ask">;
  /** Calls when a service gives a sign of life. */
  readonly onAwake: (listener: (id: string) => void) => () => void;
  /** Follows the log from a durable cursor, on one replica at a time. */
  readonly follow: (options: FollowerOptions<(typeof TOLD)[number]>) => { stop(): Promise<void> };
}

interface Running {
  stop(): Promise<void>;
}

/** Tells the services until `stop`. Those that have no address are told nothing. */
export function startDeliveries(deps: DeliveriesDeps): Running {
  const { services, logger } = deps;
  const running = new Map<string, Running>();
  /** Changes are made one after another: a service has one follower at a time. */
  let changing: Promise<void> = Promise.resolve();
  let stopped = false;

  async function restart(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      await running.get(id)?.stop();
      running.delete(id);
      const service = services.byId(id);
      if (service?.url !== undefined && !stopped) running.set(id, start(deps, service));
    }
  }

  for (const service of services.all) {
    if (service.url !== undefined) running.set(service.id, start(deps, service));
  }
  const unlisten = services.onChange(({ added, changed, removed }) => {
    const ids = [...added, ...changed, ...removed].map(({ id }) => id);
    changing = changing
      .then(() => restart(ids))
      .catch((err: unknown) => logger.error({ err }, "an application service was not restarted"));
  });

  return {
    async stop() {
      stopped = true;
      unlisten();
      await changing;
      await Promise.all([...running.values()].map((one) => one.stop()));
    },
  };
}

function start(deps: DeliveriesDeps, service: Registration): Running {
  const { sql, log, clock, logger, serverName, view } = deps;
  const interests = asInterests(service, serverName);
  const interest = createInterest({ sql, log, serverName, interests });
  const pieces = createPieces({ sql, view, service, interests, interest });
  const wakes = new Set<() => void>();
  const unlisten = deps.onAwake((id) => {
    if (id === service.id) for (const wake of wakes) wake();
  });
  const delivery = createDelivery({
    ...deps,
    ...{ service, pieces, calls: deps.callsOf(service) },
    pause: (ms, signal) => pause(clock, wakes, ms, signal),
  });
  const follower = deps.follow({
    name: `appservice ${service.id}`,
    kinds: TOLD,
    from: "end",
    async begin(signal) {
      await delivery.begin();
      if (service.ephemeralKeys.length === 0) return;
      followEphemeral(
        {
          ...{ ephemeral: deps.ephemeral, view, interest, pieces, clock },
          position: () => log.position,
          tell: (told) => delivery.tryVolatile(told, signal),
          failed: (err) => logger.warn({ err, service: service.id }, "typing was not told"),
        },
        signal,
      );
    },
    handle: (records, signal) => delivery.take(records, signal),
  });
  return {
    async stop() {
      await follower.stop();
      interest.stop();
      unlisten();
    },
  };
}

/** A service that asks much and takes nothing is tried no more often than this. */
const LEAST_PAUSE_MS = 1_000;

/** Resolves after `ms`, at the signal, or when it is woken. */
async function pause(
  clock: Clock,
  wakes: Set<() => void>,
  ms: number,
  signal: AbortSignal,
): Promise<void> {
  const least = Math.min(ms, LEAST_PAUSE_MS);
  await clock.sleep(least, signal);
  if (ms === least || signal.aborted) return;
  const over = new AbortController();
  const wake = () => over.abort("over");
  wakes.add(wake);
  try {
    await clock.sleep(ms - least, AbortSignal.any([signal, over.signal]));
  } finally {
    wakes.delete(wake);
  }
}
