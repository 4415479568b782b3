import type { ReactiveController, ReactiveControllerHost } from "lit";
import type { ReadableAtom } from "nanostores";

type Store = ReadableAtom<unknown>;

/** Renders the host anew when one of its stores changes. Which ones they are may change with the host's properties. */
export class Watch implements ReactiveController {
  readonly #host: ReactiveControllerHost;
  readonly #stores: () => readonly (Store | undefined)[];
  #watched: readonly Store[] = [];
  #stop: (() => void)[] = [];
  #connected = false;

  constructor(host: ReactiveControllerHost, stores: () => readonly (Store | undefined)[]) {
    this.#host = host;
    this.#stores = stores;
    host.addController(this);
  }

  hostConnected(): void {
    this.#connected = true;
    this.#subscribe();
    this.#host.requestUpdate();
  }

  hostUpdate(): void {
    if (this.#connected) this.#subscribe();
  }

  hostDisconnected(): void {
    this.#connected = false;
    this.#unsubscribe();
  }

  #subscribe(): void {
    const wanted = this.#stores().filter((store): store is Store => store !== undefined);
    const same =
      wanted.length === this.#watched.length &&
      wanted.every((one, at) => one === this.#watched[at]);
    if (same) return;
    this.#unsubscribe();
    this.#watched = wanted;
    this.#stop = wanted.map((store) => store.listen(() => this.#host.requestUpdate()));
  }

  #unsubscribe(): void {
    for (const stop of this.#stop) stop();
    this.#stop = [];
    this.#watched = [];
  }
}
