import { msg } from "@lit/localize";
import { html, type ReactiveController, type ReactiveControllerHost } from "lit";
import { ApiError, isAbort } from "../../api/errors.ts";
import { explainAct } from "../../text/act-problems.ts";

/** Something that is asked of the server when its element is shown, and again on demand. */
export class Loaded<T> implements ReactiveController {
  readonly #host: ReactiveControllerHost;
  readonly #work: (signal: AbortSignal) => Promise<T>;
  #turn: AbortController | undefined;
  value: T | undefined;
  problem = "";
  /** The server said that there is no such thing. */
  isGone = false;
  busy = false;

  constructor(host: ReactiveControllerHost, work: (signal: AbortSignal) => Promise<T>) {
    this.#host = host;
    this.#work = work;
    host.addController(this);
  }

  hostDisconnected(): void {
    this.#turn?.abort();
  }

  /** Forgets what was there, and asks. */
  fresh(): void {
    this.value = undefined;
    void this.load();
  }

  /** Asks; what is there stays until the answer comes. */
  async load(): Promise<void> {
    this.#turn?.abort();
    const turn = (this.#turn = new AbortController());
    this.busy = true;
    this.problem = "";
    this.#host.requestUpdate();
    try {
      const value = await this.#work(turn.signal);
      if (turn === this.#turn) {
        this.value = value;
        this.isGone = false;
      }
    } catch (error) {
      if (turn === this.#turn && !isAbort(error)) {
        this.problem = explainAct(error);
        this.isGone = error instanceof ApiError && error.status === 404;
      }
    }
    if (turn !== this.#turn) return;
    this.busy = false;
    this.#host.requestUpdate();
  }

  /** What is there, drawn; or that it is on its way, or why it is not there. */
  show(draw: (value: T) => unknown): unknown {
    const failed = this.problem === "" ? "" : failure(this.problem, () => void this.load());
    if (this.value === undefined) {
      return failed === ""
        ? html`<p class="waiting" role="status">${msg("One moment…")}</p>`
        : failed;
    }
    return html`${failed}${draw(this.value)}`;
  }
}

/** What went wrong, with a way to try again. */
export function failure(problem: string, again: () => void) {
  return html`<div class="failed">
    <p class="problem" role="alert">${problem}</p>
    <button type="button" class="button small" @click=${again}>${msg("Try again")}</button>
  </div>`;
}
