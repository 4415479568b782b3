import { errors, type MatrixError } from "../../protocol/errors.ts";
import type { Requester, Visit } from "../../users/common/types.ts";
import type { SessionWatch } from "../../users/sessions/session-watch.ts";
import { SocketBreach } from "./messages.ts";
import type { Proofs } from "./proofs.ts";

export interface SessionEvents {
  /** The token is good. May throw a MatrixError to refuse it all the same. */
  onProved(requester: Requester, isFirst: boolean): void;
  /** It is not, or no longer; called at most once. */
  onRefused(error: MatrixError): void;
}

/** Watches notice by themselves what expires within ten minutes: they are made anew before that. */
const LOOKS_OF_A_WATCH = 10;

/** Whose socket it is, for as long as the token lasts. */
export class SocketSession {
  /** The token for requests; "" before one was shown. */
  accessToken = "";
  readonly #proofs: Proofs;
  readonly #visit: Visit;
  readonly #events: SessionEvents;
  #owner: Requester | undefined;
  #watch: SessionWatch | undefined;
  #unlisten: (() => void) | undefined;
  #isLooking = false;
  #hasEnded = false;
  #looks = 0;

  constructor(proofs: Proofs, visit: Visit, events: SessionEvents) {
    this.#proofs = proofs;
    this.#visit = visit;
    this.#events = events;
  }

  /** Whether a good token was shown. */
  get isProved(): boolean {
    return this.#owner !== undefined;
  }

  /** A token was shown, the first or a renewed one. @throws SocketBreach while one is looked at */
  show(token: string): void {
    if (this.#isLooking) throw new SocketBreach("The token before this one is being looked at");
    this.#isLooking = true;
    // The former token may end from now on: see `Sessions.refresh`.
    this.#unlisten?.();
    void this.#prove(token)
      .catch((error: unknown) => this.#refuse(this.#proofs.errorOf(error)))
      .finally(() => (this.#isLooking = false));
  }

  /** Called every half minute: looks again, where there is a doubt. */
  look(): void {
    if (this.#watch === undefined || this.#isLooking) return;
    this.#looks += 1;
    if (this.#looks >= LOOKS_OF_A_WATCH) this.#watchAnew();
    this.#doubt(this.#watch);
  }

  end(): void {
    this.#hasEnded = true;
    this.#unlisten?.();
    this.#watch?.end();
    this.#watch = undefined;
  }

  #refuse(error: MatrixError): void {
    if (this.#hasEnded) return;
    this.end();
    this.#events.onRefused(error);
  }

  #watchAnew(): void {
    this.#unlisten?.();
    this.#watch?.end();
    const watch = this.#proofs.watch(this.#owner!, this.accessToken);
    this.#watch = watch;
    this.#unlisten = watch.onDoubt(() => this.#doubt(watch));
    this.#looks = 0;
  }

  /** Only what the token itself is at fault for ends the socket: a database may be away. */
  #doubt(watch: SessionWatch): void {
    watch.check()?.catch((error: unknown) => {
      const known = this.#proofs.errorOf(error);
      if (watch === this.#watch && known.status < 500) this.#refuse(known);
    });
  }

  async #prove(token: string): Promise<void> {
    const requester = await this.#proofs.requesterOf(token, this.#visit);
    if (this.#hasEnded) return;
    const owner = this.#owner;
    if (owner && (owner.userId !== requester.userId || owner.deviceId !== requester.deviceId)) {
      throw errors.unknownToken("The token is another device's than the one before");
    }
    this.#events.onProved(requester, owner === undefined);
    this.#owner = requester;
    this.accessToken = token;
    this.#watchAnew();
  }
}
