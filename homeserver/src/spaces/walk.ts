/** GET /rooms/{roomId}/hierarchy: a space's rooms, page by page, each space before its siblings. */
import type { Clock } from "../platform/clock.ts";
import { errors } from "../protocol/errors.ts";
import { childState, compareChildren } from "../protocol/events/space-child.ts";
import type { SpaceChild } from "../protocol/events/space-child.ts";
import {
  type RoomId,
  type ServerName,
  serverOfRoomId,
  type UserId,
} from "../protocol/identifiers.ts";
import { jsonText } from "../protocol/json.ts";
import { mayKnowOf, type Standing } from "./access.ts";
import type { LocalRooms } from "./local-rooms.ts";
import type { RemoteRooms } from "./remote-rooms.ts";
import { type FoundRoom, type RoomWithChildren, SPACE } from "./types.ts";
import { shortHash, walkPlace, type WalkQuery, walkToken } from "./walk-token.ts";

export interface HierarchyQuery {
  readonly suggestedOnly?: boolean | undefined;
  readonly limit?: number | undefined;
  readonly maxDepth?: number | undefined;
  readonly from?: string | undefined;
}

export interface HierarchyPage {
  readonly rooms: RoomWithChildren[];
  readonly next_batch?: string;
}

export interface WalkDeps {
  /** What the reader is to rooms. */
  readonly standingOf: (userId: UserId) => Promise<Standing>;
  readonly local: LocalRooms;
  readonly remote: RemoteRooms;
  readonly clock: Pick<Clock, "monotonic">;
}

const DEFAULT_PAGE = 50;
const MAX_PAGE = 100;
/** No space lies deeper than this for us. */
const MAX_DEPTH = 16;
/** Characters of a page: the room that passes them is its last. */
const MAX_CHARACTERS = 2 * 1024 * 1024;
/** Ms after which a page ends with what it has. */
const PAGE_MS = 15_000;
/** Children that a page looks at, whether or not they are shown. */
const MAX_STEPS = 2000;
/** Rooms that a walk remembers, so that each comes once: spaces all of these, others the first. */
const MAX_SEEN = 500;
const MAX_SEEN_ROOMS = 350;
/** Siblings that are looked up together. */
const TOGETHER = 20;
/** Servers that are asked about a child, at most. */
const MAX_VIA = 3;

/** A space whose children are being gone through. */
interface Level {
  readonly space: FoundRoom;
  readonly children: readonly SpaceChild[];
  readonly found: Map<RoomId, FoundRoom | undefined>;
  next: number;
}

/** One page. M_FORBIDDEN 403 for a space that the user may not know of; M_INVALID_PARAM 400. */
export function createHierarchy({ standingOf, local, remote, clock }: WalkDeps) {
  return async (userId: UserId, roomId: RoomId, asked: HierarchyQuery): Promise<HierarchyPage> => {
    const query: WalkQuery = {
      roomId,
      suggestedOnly: asked.suggestedOnly ?? false,
      maxDepth: Math.min(asked.maxDepth ?? MAX_DEPTH, MAX_DEPTH),
    };
    const from = asked.from === undefined ? undefined : walkPlace(query, asked.from);
    if (asked.from !== undefined && from === undefined) {
      throw errors.invalidParam("That is not a token of this walk");
    }
    const standing = await standingOf(userId);
    const walk = new Walk(query, standing, { local, remote });
    await walk.begin();
    if (from !== undefined) await walk.resume(from);
    const limit = Math.min(asked.limit ?? DEFAULT_PAGE, MAX_PAGE);
    const end = clock.monotonic() + PAGE_MS;
    const rooms: RoomWithChildren[] = [];
    let characters = 0;
    if (from === undefined) rooms.push(walk.shown(walk.root));
    for (let steps = 0; steps < MAX_STEPS && rooms.length < limit; steps += 1) {
      if (characters > MAX_CHARACTERS || clock.monotonic() > end) break;
      const room = await walk.step(limit - rooms.length);
      if (room === "end") return { rooms };
      if (room === "none") continue;
      const shown = walk.shown(room);
      characters += jsonText(shown as never).length;
      rooms.push(shown);
    }
    return walk.isOver ? { rooms } : { rooms, next_batch: walk.token };
  };
}

class Walk {
  root!: FoundRoom;
  readonly query: WalkQuery;
  readonly standing: Standing;
  readonly sources: Pick<WalkDeps, "local" | "remote">;
  readonly #levels: Level[] = [];
  #seen = new Set<string>();

  constructor(query: WalkQuery, standing: Standing, sources: Pick<WalkDeps, "local" | "remote">) {
    this.query = query;
    this.standing = standing;
    this.sources = sources;
  }

  async begin(): Promise<void> {
    const { roomId } = this.query;
    const own = serverOfRoomId(roomId);
    const root =
      (await this.sources.local.find([roomId])).get(roomId) ??
      (await this.#askOthers(roomId, own === undefined ? [] : [own]));
    if (root === undefined || !mayKnowOf(root.summary, this.standing)) {
      throw errors.forbidden("You may not see that room");
    }
    this.root = root;
    this.#enter(root);
    this.#seen.add(shortHash(roomId));
  }

  /** Goes back to where a page before ended: to what follows it now, if it is gone. */
  async resume({ path, isOpen, seen }: NonNullable<ReturnType<typeof walkPlace>>): Promise<void> {
    this.#seen = new Set([...seen].slice(0, MAX_SEEN));
    for (const [index, key] of path.entries()) {
      const level = this.#levels[index];
      if (level === undefined) return;
      const at = level.children.findIndex((child) => compareChildren(child, key) >= 0);
      const child = level.children[at];
      const isThere = child !== undefined && compareChildren(child, key) === 0;
      level.next = at < 0 ? level.children.length : isThere ? at + 1 : at;
      if (!isThere) return;
      if (index === path.length - 1 && !isOpen) return;
      await this.#lookUp(level, at, 1);
      const room = this.#visible(level, child);
      if (room === undefined || index + 1 > this.query.maxDepth) return;
      this.#enter(room);
    }
  }

  /** The next room; "none" where the next child is not to be shown; "end" when all were. */
  async step(wanted: number): Promise<FoundRoom | "none" | "end"> {
    while (this.#levels.length > 0) {
      const level = this.#levels.at(-1)!;
      const child = level.children[level.next];
      if (child === undefined || this.#levels.length > this.query.maxDepth) {
        this.#levels.pop();
        continue;
      }
      level.next += 1;
      const hash = shortHash(child.roomId);
      if (this.#seen.has(hash)) continue;
      await this.#lookUp(level, level.next - 1, Math.min(wanted, TOGETHER));
      const room = this.#visible(level, child);
      if (room === undefined) return "none";
      const isSpace = room.summary.room_type === SPACE;
      if (this.#seen.size < (isSpace ? MAX_SEEN : MAX_SEEN_ROOMS)) {
        this.#seen.add(hash);
        // What was entered before is not entered again: walks end, whatever the spaces name.
        if (isSpace) this.#enter(room);
      }
      return room;
    }
    return "end";
  }

  get isOver(): boolean {
    const { maxDepth } = this.query;
    return this.#levels.every(
      (level, depth) => depth >= maxDepth || level.next >= level.children.length,
    );
  }

  get token(): string {
    const path = this.#levels.flatMap((level) => level.children[level.next - 1] ?? []);
    const isOpen = path.length < this.#levels.length;
    return walkToken(this.query, { path, isOpen, seen: this.#seen });
  }

  shown({ summary, children }: FoundRoom): RoomWithChildren {
    return { ...summary, children_state: this.#wanted(children).map(childState) };
  }

  #enter(space: FoundRoom): void {
    this.#levels.push({
      ...{ space, children: this.#wanted(space.children), next: 0 },
      found: new Map(),
    });
  }

  #wanted(children: readonly SpaceChild[]): readonly SpaceChild[] {
    return this.query.suggestedOnly ? children.filter((child) => child.suggested) : children;
  }

  #visible(level: Level, child: SpaceChild): FoundRoom | undefined {
    const room = level.found.get(child.roomId);
    return room !== undefined && mayKnowOf(room.summary, this.standing) ? room : undefined;
  }

  /** Looks a child up, and some of those after it. */
  async #lookUp(level: Level, at: number, count: number): Promise<void> {
    if (level.found.has(level.children[at]!.roomId)) return;
    const some = level.children
      .slice(at, at + count)
      .filter(({ roomId }) => !level.found.has(roomId) && !this.#seen.has(shortHash(roomId)));
    // On the way back, what was shown is looked up again.
    const wanted = some.length > 0 ? some : [level.children[at]!];
    const ours = await this.sources.local.find(wanted.map(({ roomId }) => roomId));
    await Promise.all(
      wanted.map(async (child) => {
        const room = ours.get(child.roomId) ?? (await this.#elsewhere(level.space, child));
        level.found.set(child.roomId, room);
      }),
    );
  }

  /** A room that this server is not in: as the space's server told of it, or others tell. */
  async #elsewhere({ told }: FoundRoom, { roomId, via }: SpaceChild) {
    if (told?.inaccessible.has(roomId) === true) return undefined;
    const known = told?.rooms.get(roomId);
    if (known !== undefined && known.summary.room_type !== SPACE) return known;
    return (await this.#askOthers(roomId, via.slice(0, MAX_VIA))) ?? known;
  }

  #askOthers(roomId: RoomId, via: readonly ServerName[]): Promise<FoundRoom | undefined> {
    return this.sources.remote.find(roomId, via, this.query.suggestedOnly);
  }
}
