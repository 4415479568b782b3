/** The layers of application services. */
import { type CallsOfServices, createCallsOfServices } from "./appservice/calls-of.ts";
import { startDeliveries } from "./appservice/deliveries.ts";
import { createMasquerade, type Masquerade } from "./appservice/masquerade.ts";
import { createQuestions, type Questions } from "./appservice/questions.ts";
import { createRetries, type Retries } from "./appservice/retries.ts";
import type { Services } from "./appservice/services.ts";
import { createThirdParty, type ThirdParty } from "./appservice/third-party.ts";
import type { Ephemeral } from "./cluster/ephemeral.ts";
import type { Encryption } from "./encryption/index.ts";
import type { Foundation } from "./foundation.ts";
import { createFollower } from "./log/follow.ts";
import type { Rooms } from "./rooms/index.ts";
import type { Users } from "./users/users.ts";

type Opened = (() => unknown)[];

/** Requests of application services; each has an account to act as. */
export async function openMasquerade(
  { log, logger }: Foundation,
  opened: Opened,
  services: Services,
  users: Users,
): Promise<Masquerade> {
  const { registration } = users;
  for (const { id, sender } of services.all) await registration.ensureSender(id, sender);
  const unlisten = services.onChange(({ added, changed }) => {
    for (const { id, sender } of [...added, ...changed]) {
      registration.ensureSender(id, sender).catch((err: unknown) => {
        logger.error({ err, sender }, "an application service has no account to act as");
      });
    }
  });
  const masquerade = createMasquerade({ services, users, log });
  opened.push(() => {
    unlisten();
    masquerade.stop();
  });
  return masquerade;
}

/** What application services are asked. */
export function openServiceCalls(
  { clock }: Foundation,
  opened: Opened,
  services: Services,
): {
  readonly calls: CallsOfServices;
  readonly questions: Questions;
  readonly thirdParty: ThirdParty;
} {
  const calls = createCallsOfServices(services, clock);
  opened.push(() => calls.close());
  return {
    calls,
    questions: createQuestions({ services, calls, clock }),
    thirdParty: createThirdParty({ services, calls }),
  };
}

/** Tells application services what happens, from a durable cursor of each. */
export async function openDeliveries(
  { sql, log, clock, random, logger, leases, config, replicas }: Foundation,
  opened: Opened,
  layers: {
    readonly services: Services;
    readonly masquerade: Masquerade;
    readonly users: Users;
    readonly rooms: Rooms;
    readonly encryption: Encryption;
    readonly ephemeral: Ephemeral;
  },
  calls: CallsOfServices,
): Promise<Retries> {
  const retries = createRetries(await replicas?.bus.channel<string>("service-retries"));
  const { services, masquerade, users, rooms, encryption, ephemeral } = layers;
  const deliveries = startDeliveries({
    ...{ sql, log, clock, random, logger, services, ephemeral },
    serverName: config.serverName,
    view: rooms.view,
    counts: users.keys.counts,
    acknowledged: ({ userId, deviceId }, upTo) =>
      encryption.toDevice.delivered(userId, deviceId, upTo),
    callsOf: calls.of,
    onAwake(listener) {
      const unlisten = [masquerade.onSeen(listener), retries.onRetry(listener)];
      return () => {
        for (const end of unlisten) end();
      };
    },
    follow: (options) => createFollower({ log, sql, clock, logger, leases }, options),
  });
  opened.push(() => deliveries.stop());
  return retries;
}
