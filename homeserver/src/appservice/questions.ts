/** What application services are asked: whether users and aliases of theirs exist, and a ping. */
import type { Clock } from "../platform/clock.ts";
import { createSingleFlight } from "../platform/single-flight.ts";
import { MatrixError, matrixError } from "../protocol/errors.ts";
import type { RoomAlias, UserId } from "../protocol/identifiers.ts";
import { callTo, isSuccess, type ServiceAnswer, ServiceUnreachable } from "./calls.ts";
import type { CallsOfServices } from "./calls-of.ts";
import type { Registration } from "./registration.ts";
import type { Services } from "./services.ts";

export interface Questions {
  /**
   * Asks the services whose user it would be to make the user, one after another. True: one says
   * that it has. (Application service API, "Querying".)
   */
  user(userId: UserId): Promise<boolean>;
  /**
   * The same for an alias; `asking` is the service that asks for it itself.
   * @throws MatrixError M_UNKNOWN 408 when a service whose alias it would be does not answer
   */
  alias(alias: RoomAlias, asking?: string): Promise<boolean>;
  /**
   * Asks a service whether it hears us, and answers how long that took.
   * @throws MatrixError M_URL_NOT_SET 400; M_BAD_STATUS, M_CONNECTION_FAILED 502;
   * M_CONNECTION_TIMEOUT 504
   */
  ping(service: Registration, transactionId: string | undefined): Promise<number>;
}

type Question = ReturnType<typeof callTo>;

/** Somebody waits. */
const QUESTION_MS = 10_000;
const ATTEMPTS = 3;
const PAUSE_MS = 200;
const PING_MS = 20_000;
/** Of a wrong answer to a ping, characters that its owner is shown. */
const SHOWN = 2_000;

export function createQuestions(deps: {
  readonly services: Services;
  readonly calls: Pick<CallsOfServices, "of">;
  readonly clock: Clock;
  /** How long a ping may take, ms (20,000). */
  readonly pingMs?: number;
}): Questions {
  const { services, calls, clock, pingMs = PING_MS } = deps;
  const flights = createSingleFlight<string, boolean>();

  /** Several attempts, where nobody answers. @throws ServiceUnreachable */
  async function ask(service: Registration, to: Question): Promise<ServiceAnswer> {
    const until = clock.monotonic() + QUESTION_MS;
    for (let attempt = 1; ; attempt += 1) {
      try {
        const timeoutMs = Math.max(1, until - clock.monotonic());
        return await calls.of(service).ask({ to, timeoutMs });
      } catch (error) {
        const isLast = attempt === ATTEMPTS || clock.monotonic() + PAUSE_MS >= until;
        if (isLast || !(error instanceof ServiceUnreachable) || error.isTimeout) throw error;
        await clock.sleep(PAUSE_MS);
      }
    }
  }

  /** Whether one of them says that it has made it. @throws ServiceUnreachable */
  async function anyHas(owners: readonly Registration[], to: Question): Promise<boolean> {
    let unreachable: unknown;
    for (const service of owners) {
      try {
        if (isSuccess(await ask(service, to))) return true;
      } catch (error) {
        if (!(error instanceof ServiceUnreachable)) throw error;
        unreachable = error;
      }
    }
    if (unreachable !== undefined) throw unreachable;
    return false;
  }

  const reachable = (has: (service: Registration) => boolean) =>
    services.all.filter((service) => service.url !== undefined && has(service));

  return {
    async user(userId) {
      const owners = reachable((service) => services.controls(service, userId));
      if (owners.length === 0) return false;
      const to = callTo("appserviceQueryUser", { userId });
      try {
        return await flights.run(to.path, () => anyHas(owners, to));
      } catch (error) {
        if (error instanceof ServiceUnreachable) return false;
        throw error;
      }
    },

    async alias(alias, asking) {
      const owners = reachable(({ id, aliases }) => id !== asking && aliases.has(alias));
      if (owners.length === 0) return false;
      const to = callTo("appserviceQueryRoom", { roomAlias: alias });
      try {
        return await flights.run(to.path, () => anyHas(owners, to));
      } catch (error) {
        if (!(error instanceof ServiceUnreachable)) throw error;
        throw new MatrixError(408, "M_UNKNOWN", "The alias's application service does not answer");
      }
    },

    async ping(service, transactionId) {
      if (service.url === undefined) {
        throw matrixError("M_URL_NOT_SET", "The application service's registration has no url");
      }
      const body = JSON.stringify(
        transactionId === undefined ? {} : { transaction_id: transactionId },
      );
      const began = clock.monotonic();
      const request = { to: callTo("appservicePing", {}), body, timeoutMs: pingMs };
      const answer = await calls
        .of(service)
        .ask(request)
        .catch((error: unknown) => {
          if (!(error instanceof ServiceUnreachable)) throw error;
          const code = error.isTimeout ? "M_CONNECTION_TIMEOUT" : "M_CONNECTION_FAILED";
          throw matrixError(code, `The application service is not reached: ${error.message}`);
        });
      if (isSuccess(answer)) return Math.round(clock.monotonic() - began);
      const { status, text } = answer;
      const shown = { status, body: text.slice(0, SHOWN).toWellFormed() };
      throw matrixError("M_BAD_STATUS", `The application service answered ${status}`, shown);
    },
  };
}
