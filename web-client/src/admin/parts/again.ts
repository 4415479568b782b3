import type { ReactiveController, ReactiveControllerHost } from "lit";

/** Does something again and again while its element and the page are shown. The pause is in milliseconds. */
export class Again implements ReactiveController {
  readonly #host: ReactiveControllerHost;
  readonly #work: () => Promise<unknown>;
  readonly #pause: () => number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isShown = false;

  constructor(host: ReactiveControllerHost, work: () => Promise<unknown>, pause: () => number) {
    this.#host = host;
    this.#work = work;
    this.#pause = pause;
    host.addController(this);
  }

  hostConnected(): void {
    this.#isShown = true;
    document.addEventListener("visibilitychange", this.#onVisible);
    // The element has its properties once it was drawn.
    void this.#host.updateComplete.then(() => this.now());
  }

  hostDisconnected(): void {
    this.#isShown = false;
    clearTimeout(this.#timer);
    document.removeEventListener("visibilitychange", this.#onVisible);
  }

  /** At once, and from then on again. */
  async now(): Promise<void> {
    if (!this.#isShown) return;
    clearTimeout(this.#timer);
    if (document.visibilityState !== "hidden") await this.#work();
    clearTimeout(this.#timer);
    if (this.#isShown) this.#timer = setTimeout(() => void this.now(), this.#pause());
  }

  readonly #onVisible = (): void => {
    if (document.visibilityState === "visible") void this.now();
  };
}
