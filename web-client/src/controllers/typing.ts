import type { ReactiveController, ReactiveControllerHost } from "lit";
import type { Client } from "../store/client.ts";
import type { Room } from "../store/room.ts";

/** Milliseconds between two notes to the server that one is still writing. */
const AGAIN = 10_000;

/** Lets the others know that the person is writing, and that they have stopped. */
export class TypingNotifier implements ReactiveController {
  readonly #client: () => Client;
  #room: Room | undefined;
  #since = 0;
  #idle: ReturnType<typeof setTimeout> | undefined;

  constructor(host: ReactiveControllerHost, client: () => Client) {
    this.#client = client;
    host.addController(this);
  }

  hostDisconnected(): void {
    this.stop();
  }

  /** A key was pressed with this much in the field. */
  typed(room: Room, empty: boolean): void {
    if (empty || room !== this.#room) this.stop();
    if (empty) return;
    this.#room = room;
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.stop(), AGAIN);
    if (Date.now() - this.#since < AGAIN) return;
    this.#since = Date.now();
    this.#tell(room, true);
  }

  stop(): void {
    clearTimeout(this.#idle);
    if (this.#room !== undefined && this.#since > 0) this.#tell(this.#room, false);
    this.#room = undefined;
    this.#since = 0;
  }

  #tell(room: Room, typing: boolean): void {
    const { api, session } = this.#client();
    // Nobody misses it when this gets lost.
    api.rooms.typing(room.roomId, session.userId, typing).catch(() => undefined);
  }
}
