import { errors, MatrixError } from "../../protocol/errors.ts";
import type { Requester, Visit } from "../../users/common/types.ts";
import type { SessionWatch } from "../../users/sessions/session-watch.ts";
import { SocketBreach } from "./messages.ts";
import type { Proofs } from "./proofs.ts";

export interface SocketSession {
  /** Whether a good token was shown. */
  readonly isProved: boolean;
  /** The token for requests; "" before one was shown. */
  readonly accessToken: string;
  /** A token was shown, the first or a renewed one. @throws SocketBreach while one is looked at */
  show(token: string): void;
  /** Called every half minute: looks again, where there is a doubt. */
  look(): void;
  end(): void;
}

export interface SessionEvents {
  readonly visit: Visit;
  /** The token is good. May throw a MatrixError to refuse it all the same. */
  readonly onProved: (requester: Requester, isFirst: boolean) => void;
  /** It is not, or no longer; called at most once. */
  readonly onRefused: (error: MatrixError) => void;
}

/** Watches notice by themselves what expires within ten minutes: they are made anew before that. */
const LOOKS_OF_A_WATCH = 10;

/** Whose socket it is, for as long as the token lasts. */
export function createSession(proofs: Proofs, events: SessionEvents): SocketSession {
  let owner: Requester | undefined;
  let accessToken = "";
  let watched: (() => void) | undefined;
  let watch: SessionWatch | undefined;
  let isLooking = false;
  let hasEnded = false;
  let looks = 0;

  function end(): void {
    hasEnded = true;
    watched?.();
    watch?.end();
    watch = undefined;
  }

  function refuse(error: MatrixError): void {
    if (hasEnded) return;
    end();
    events.onRefused(error);
  }

  function watchAnew(): void {
    watched?.();
    watch?.end();
    const current = proofs.watch(owner!, accessToken);
    watch = current;
    watched = current.onDoubt(() => doubt(current));
    looks = 0;
  }

  /** Only what the token itself is at fault for ends the socket: a database may be away. */
  function doubt(current: SessionWatch): void {
    current.check()?.catch((error: unknown) => {
      const known = proofs.errorOf(error);
      if (current === watch && known.status < 500) refuse(known);
    });
  }

  async function prove(token: string): Promise<void> {
    const requester = await proofs.requesterOf(token, events.visit);
    if (hasEnded) return;
    const isFirst = owner === undefined;
    if (owner && (owner.userId !== requester.userId || owner.deviceId !== requester.deviceId)) {
      throw errors.unknownToken("The token is another device's than the one before");
    }
    events.onProved(requester, isFirst);
    owner = requester;
    accessToken = token;
    watchAnew();
  }

  return {
    get isProved() {
      return owner !== undefined;
    },
    get accessToken() {
      return accessToken;
    },
    show(token) {
      if (isLooking) throw new SocketBreach("The token before this one is being looked at");
      isLooking = true;
      // The former token may end from now on: see `Sessions.refresh`.
      watched?.();
      void prove(token)
        .catch((error: unknown) => refuse(proofs.errorOf(error)))
        .finally(() => (isLooking = false));
    },
    look() {
      if (watch === undefined || isLooking) return;
      looks += 1;
      if (looks >= LOOKS_OF_A_WATCH) watchAnew();
      doubt(watch);
    },
    end,
  };
}
