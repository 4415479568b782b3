import { atom } from "nanostores";
import { isAbort } from "../../api/errors.ts";
import { text, type MatrixEvent } from "../../api/types.ts";
import { wordsOf } from "../../text/highlight.ts";
import type { Client } from "../client.ts";
import { isFile } from "../room-files.ts";
import type { IndexedMessage } from "./documents.ts";

/** What is looked for. Times are milliseconds since the epoch. */
export interface SearchQuery {
  words: string;
  /** Only there; undefined: in all rooms. */
  roomId: string | undefined;
  sender: string | undefined;
  has: "file" | "link" | undefined;
  after: number | undefined;
  before: number | undefined;
}

export interface Hit {
  roomId: string;
  event: MatrixEvent;
  /** What was said just before and after it, where that is known. */
  before: MatrixEvent | undefined;
  next: MatrixEvent | undefined;
}

export interface SearchState {
  hits: readonly Hit[];
  /** The words that are marked. */
  marks: readonly string[];
  busy: boolean;
  /** True when there is no more. */
  isWhole: boolean;
  /** True when what this device has read of encrypted rooms cannot be searched here. */
  lacksIndex: boolean;
  error: unknown;
}

/** Pages that are asked for one wish for more, where filters leave little of each. */
const MAX_PAGES = 12;
const ENOUGH = 15;

const LINK = /(https?:\/\/|www\.)\S/i;

const NOTHING: SearchState = {
  hits: [],
  marks: [],
  busy: false,
  isWhole: false,
  lacksIndex: false,
  error: undefined,
};

/** Searches on the server, and in what this device has read of encrypted rooms; both, the newest first. */
export function createSearch(client: Client, query: SearchQuery) {
  const $state = atom<SearchState>(NOTHING);
  const stopped = new AbortController();
  const words = wordsOf(query.words);
  let found: Hit[] = [];
  let own: Hit[] | undefined;
  let next: string | undefined;
  let isWhole = false;
  let lacksIndex = false;

  const isInTime = (ts: number): boolean =>
    ts >= (query.after ?? 0) && ts < (query.before ?? Number.POSITIVE_INFINITY);

  function fits({ event }: Hit): boolean {
    if (!isInTime(event.origin_server_ts)) return false;
    if (query.has === "link") return LINK.test(text(event.content, "body") ?? "");
    return query.has !== "file" || isFile(event);
  }

  /** Of the device's own: all of them, but those that stand behind what the server has told so far. */
  function merged(): Hit[] {
    const oldest = isWhole ? 0 : (found.at(-1)?.event.origin_server_ts ?? Number.POSITIVE_INFINITY);
    const seen = new Set(found.map(({ event }) => event.event_id));
    const more = (own ?? []).filter(
      ({ event }) => event.origin_server_ts >= oldest && !seen.has(event.event_id),
    );
    const all = [...found.filter(fits), ...more];
    return all.toSorted((a, b) => b.event.origin_server_ts - a.event.origin_server_ts);
  }

  let marks: readonly string[] = words;

  function show(busy: boolean, error?: unknown): void {
    $state.set({ hits: merged(), marks, busy, isWhole, lacksIndex, error });
  }

  async function askServer(): Promise<void> {
    const filter = {
      ...(query.roomId !== undefined && { rooms: [query.roomId] }),
      ...(query.sender !== undefined && { senders: [query.sender] }),
      ...(query.has === "file" && { contains_url: true }),
    };
    const body = {
      search_categories: {
        room_events: {
          search_term: query.words,
          keys: ["content.body" as const],
          filter,
          order_by: "recent" as const,
          event_context: { before_limit: 1, after_limit: 1 },
        },
      },
    };
    const answer = await client.api.reading.search(body, { next, signal: stopped.signal });
    const events = answer.search_categories.room_events;
    marks = [...new Set([...words, ...(events?.highlights ?? [])])];
    const hits = (events?.results ?? []).map(({ result, context }): Hit => ({
      roomId: result.room_id,
      event: result,
      before: context?.events_before?.[0],
      next: context?.events_after?.[0],
    }));
    found = [...found, ...hits];
    next = events?.next_batch;
    const last = hits.at(-1)?.event.origin_server_ts ?? 0;
    isWhole = next === undefined || last < (query.after ?? 0);
  }

  async function askIndex(): Promise<void> {
    const rooms = [...client.store.rooms.values()].filter(
      (room) =>
        room.membership === "join" &&
        room.encryption !== undefined &&
        (query.roomId === undefined || room.roomId === query.roomId),
    );
    own = [];
    if (rooms.length === 0) return;
    const suits = (message: IndexedMessage): boolean =>
      isInTime(message.ts) &&
      (query.sender === undefined || message.sender === query.sender) &&
      (query.has !== "file" || message.file === true) &&
      (query.has !== "link" || LINK.test(message.body));
    try {
      const index = await client.indexing.open();
      const ids = rooms.map(({ roomId }) => roomId);
      const hits = await index.search(words, ids, suits, stopped.signal);
      own = hits.map(({ roomId, message }) => ({
        roomId,
        event: eventOf(message),
        before: undefined,
        next: undefined,
      }));
    } catch (error) {
      if (isAbort(error)) throw error;
      lacksIndex = true;
    }
  }

  return {
    $state,
    words,

    /** Looks for more. Failures are told by the state. */
    async more(): Promise<void> {
      if (words.length === 0 || $state.get().busy || isWhole) return;
      show(true);
      try {
        if (own === undefined) await askIndex();
        const before = merged().length;
        for (let page = 0; page < MAX_PAGES && !isWhole; page++) {
          await askServer();
          if (merged().length - before >= ENOUGH) break;
          show(true);
        }
        show(false);
      } catch (error) {
        if (!isAbort(error) && !stopped.signal.aborted) show(false, error);
      }
    },

    stop: (): void => stopped.abort(),
  };
}

/** What Markdown hides. Messages that were noted before their shown words were have but their source. */
const HIDDEN = /\|\|[^|]+\|\|/g;

/** A message of the index as lists show it. */
function eventOf(message: IndexedMessage): MatrixEvent {
  const { id, sender, ts, said } = message;
  const body = said ?? message.body.replace(HIDDEN, "▒▒▒▒");
  return {
    event_id: id,
    type: "m.room.message",
    sender,
    origin_server_ts: ts,
    content: { msgtype: "m.text", body },
  };
}

export type Search = ReturnType<typeof createSearch>;
