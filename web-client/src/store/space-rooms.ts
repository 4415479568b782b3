import { atom } from "nanostores";
import type { RoomInSpace } from "../api/directory.ts";
import type { Client } from "./client.ts";
import { isTransient } from "../api/errors.ts";
import { childrenIn, type SpaceChild } from "./spaces.ts";

/** How many pages of a space are asked for at most, one after the other. */
const MAX_PAGES = 20;

/** What the server tells of a space's rooms, asked for a space at a time. */
export class SpaceRooms {
  /** Goes up by one when something came. */
  readonly $version = atom(0);
  readonly #client: Client;
  readonly #rooms = new Map<string, RoomInSpace>();
  readonly #loading = new Map<string, Promise<void>>();
  readonly failed = new Map<string, unknown>();

  constructor(client: Client) {
    this.#client = client;
  }

  room(roomId: string): RoomInSpace | undefined {
    return this.#rooms.get(roomId);
  }

  isLoading(spaceId: string): boolean {
    return this.#loading.has(spaceId);
  }

  /** Asks for the rooms of a space, page by page. */
  load(spaceId: string): Promise<void> {
    const known = this.#loading.get(spaceId);
    if (known !== undefined) return known;
    const loading = this.#load(spaceId)
      .then(() => this.failed.delete(spaceId))
      .catch((error: unknown) => this.failed.set(spaceId, error))
      .then(() => {
        this.#loading.delete(spaceId);
        this.#changed();
      });
    this.#loading.set(spaceId, loading);
    this.#changed();
    return loading;
  }

  async #load(spaceId: string): Promise<void> {
    let from: string | undefined;
    for (let page = 0; page < MAX_PAGES; page++) {
      const answer = await this.#client.api.directory.hierarchy(spaceId, from);
      for (const room of answer.rooms) this.#rooms.set(room.room_id, room);
      this.#changed();
      from = answer.next_batch;
      if (from === undefined) return;
    }
  }

  #changed(): void {
    this.$version.set(this.$version.get() + 1);
  }

  /** The children of a space in order: by its state where one is in it, else by what the server told. */
  children(spaceId: string): SpaceChild[] {
    const own = this.#client.store.room(spaceId);
    if (own?.membership === "join") return childrenIn(own.stateOf("m.space.child").values());
    return childrenIn(this.#rooms.get(spaceId)?.children_state ?? []);
  }

  /** Whether asking again may help. */
  mayRetry(spaceId: string): boolean {
    return isTransient(this.failed.get(spaceId));
  }
}
