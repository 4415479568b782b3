/** States and auth chains as other servers are told them: event nids first, and the events' texts a piece at a time. */
import { distinctAuthNids, eventIdsByNids } from "../storage/room-events.ts";
import { tuplesOfOtherTypes } from "../storage/room-heads.ts";
import type { EventId } from "../protocol/identifiers.ts";
import type { RoomStore } from "./store.ts";
import type { StateAnswer } from "./types-federation.ts";
import type { Room, StateRoot } from "./types.ts";

/** Events of a state, by nid: of 100,000 it is a megabyte. */
export interface ToldNids {
  readonly state: readonly number[];
  readonly authChain: readonly number[];
  readonly membersOmitted: boolean;
}

export interface WhatToTell {
  /** Members need not be told, but for these member events. Where they are few they are told all the same. */
  readonly onlyMembers?: readonly number[] | undefined;
  /** Their auth chains belong to it too. */
  readonly alsoChainOf?: readonly number[];
}

export interface StateAnswers {
  /** What to tell of the state at a root. */
  nids(room: Room, root: StateRoot, what?: WhatToTell): Promise<ToldNids>;
  /** PDUs' texts (canonical JSON), read as they are taken. */
  texts(told: ToldNids): StateAnswer;
  ids(nids: readonly number[]): Promise<EventId[]>;
}

/** A state with fewer members than this is told whole: asking for it again would cost more. */
export const OMIT_FROM = 500;
const PAGE = 2_000;
const EVENTS_AT_ONCE = 200;

export function createStateAnswers(store: RoomStore, omitFrom = OMIT_FROM): StateAnswers {
  const { sql, tree, events, authChains } = store;

  async function* textsOf(nids: readonly number[]): AsyncGenerator<readonly string[]> {
    for (let at = 0; at < nids.length; at += EVENTS_AT_ONCE) {
      yield await events.texts(nids.slice(at, at + EVENTS_AT_ONCE));
    }
  }

  /** The root's entries; undefined in `others` for members. */
  async function entriesOf(root: StateRoot): Promise<{ all: number[]; others: number[] }> {
    const all: number[] = [];
    const others: number[] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof tree.page>> = await tree.page(root, cursor, PAGE);
      const tuples = page.entries.map(([tuple]) => tuple);
      const wanted = new Set(await tuplesOfOtherTypes(sql, tuples, "m.room.member"));
      for (const [tuple, nid] of page.entries) {
        all.push(nid);
        if (wanted.has(tuple)) others.push(nid);
      }
      cursor = page.next;
    } while (cursor !== null);
    return { all, others };
  }

  /** Everything that these events' auth events stand on, and they. */
  async function chainOf(room: Room, nids: readonly number[]): Promise<number[]> {
    const auth = new Set<number>();
    for (let at = 0; at < nids.length; at += PAGE) {
      for (const nid of await distinctAuthNids(sql, nids.slice(at, at + PAGE))) auth.add(nid);
    }
    return authChains.chain(room.nid, [...auth]);
  }

  return {
    async nids(room, root, { onlyMembers, alsoChainOf = [] } = {}) {
      const { all, others } = await entriesOf(root);
      const membersOmitted = onlyMembers !== undefined && all.length - others.length >= omitFrom;
      const state = membersOmitted ? [...new Set([...others, ...onlyMembers])] : all;
      const authChain = await chainOf(room, [...state, ...alsoChainOf]);
      // Numbered as they were stored, hence mostly after what they stand on: so they can be stored as they come.
      return { state: inOrder(state), authChain: inOrder(authChain), membersOmitted };
    },
    texts: ({ state, authChain }) => ({ pdus: textsOf(state), authChain: textsOf(authChain) }),
    async ids(nids) {
      const ids: EventId[] = [];
      for (let at = 0; at < nids.length; at += PAGE) {
        ids.push(...((await eventIdsByNids(sql, nids.slice(at, at + PAGE))) as EventId[]));
      }
      return ids;
    },
  };
}

function inOrder(nids: readonly number[]): number[] {
  return nids.toSorted((a, b) => a - b);
}
