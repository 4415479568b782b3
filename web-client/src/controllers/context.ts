import type { LitElement, ReactiveController } from "lit";
import type { Client } from "../store/client.ts";

const EVENT = "weft-client-request";

interface Request {
  client: Client | undefined;
}

/** Answers the requests of all elements below for the client. Put it on one element above them. */
export class ProvideClient implements ReactiveController {
  readonly #host: LitElement;
  readonly #client: () => Client | undefined;

  constructor(host: LitElement, client: () => Client | undefined) {
    this.#host = host;
    this.#client = client;
    host.addController(this);
  }

  readonly #answer = (event: Event): void => {
    const client = this.#client();
    if (client === undefined) return;
    (event as CustomEvent<Request>).detail.client = client;
    event.stopPropagation();
  };

  hostConnected(): void {
    this.#host.addEventListener(EVENT, this.#answer);
  }

  hostDisconnected(): void {
    this.#host.removeEventListener(EVENT, this.#answer);
  }
}

/** Finds the client for an element deep in the tree, so that what stands between need not pass it down. */
export class UseClient implements ReactiveController {
  readonly #host: LitElement;
  #client: Client | undefined;

  constructor(host: LitElement) {
    this.#host = host;
    host.addController(this);
  }

  hostConnected(): void {
    const detail: Request = { client: undefined };
    this.#host.dispatchEvent(new CustomEvent(EVENT, { detail, bubbles: true, composed: true }));
    this.#client = detail.client;
  }

  /** Undefined where nobody above has one (an element shown by itself). */
  get optional(): Client | undefined {
    return this.#client;
  }

  get value(): Client {
    if (this.#client === undefined) throw new Error("No client is provided above this element");
    return this.#client;
  }
}
