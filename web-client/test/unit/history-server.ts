import type { ReadingApi } from "../../src/api/reading.ts";
import type { RoomApi } from "../../src/api/rooms.ts";
import type { MatrixEvent } from "../../src/api/types.ts";
import { createHistory } from "../../src/store/history.ts";
import { RoomStore } from "../../src/store/room-store.ts";
import { createEvents, syncOf } from "./events.ts";

export const ME = "@me:one";
export const ANN = "@ann:two";
export const BEN = "@ben:two";
export const ROOM = "!r:one";

export type Page = { chunk: MatrixEvent[]; end?: string; state?: MatrixEvent[] };
type ThreadPage = { chunk: MatrixEvent[]; next_batch?: string };
export interface Context {
  start?: string;
  end?: string;
  event: MatrixEvent;
  events_before: MatrixEvent[];
  events_after: MatrixEvent[];
}
export type Script<T> = (T | Error | Promise<T>)[];

/** A joined room, and a server that answers as the scripts say. */
export function setUp(
  pages: Script<Page> = [],
  events: Script<MatrixEvent> = [],
  members: Script<MatrixEvent[]> = [],
  places: Script<Context> = [],
  threads: Script<ThreadPage> = [],
) {
  const asked: unknown[][] = [];
  const sizes: (number | undefined)[] = [];
  const clock = { now: 0 };
  const next = async <T>(script: Script<T>, ...what: unknown[]): Promise<T> => {
    asked.push(what);
    const answer = script.shift();
    if (answer === undefined) throw new Error("nothing more was expected");
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const store = new RoomStore(ME);
  const make = createEvents();
  const api = {
    messages: (_room: string, token: string | undefined, size?: number) => {
      sizes.push(size);
      return next(pages, "messages", token);
    },
    event: (_room: string, eventId: string) => next(events, "event", eventId),
    members: () => next(members, "members"),
  } as unknown as RoomApi;
  const newest = make.message(ANN, "newest");
  store.apply(
    syncOf(ROOM, {
      state: { events: [make.member(ME), make.member(ANN, "join", "Ann")] },
      timeline: { events: [newest], limited: true, prev_batch: "p1" },
    }),
    0,
  );
  const room = store.room(ROOM)!;
  const reading = {
    messages: (_room: string, token: string | undefined, dir: string) =>
      next(pages, dir === "f" ? "newer" : "messages", token),
    context: (_room: string, eventId: string) => next(places, "context", eventId),
    thread: (_room: string, root: string, token: string | undefined) =>
      next(threads, "thread", root, token),
  } as unknown as ReadingApi;
  const read = (_: string, events: readonly MatrixEvent[]) => Promise.resolve([...events]);
  const history = createHistory({ rooms: api, reading }, store, read, () => clock.now);
  const bodies = () => room.timeline.entries.map((entry) => entry.event.content["body"]);
  return { history, store, room, make, asked, newest, bodies, sizes, clock };
}
