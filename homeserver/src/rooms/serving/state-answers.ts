/**
 * States and auth chains as answers to other servers: nids first, then the events' texts, streamed
 * in pieces.
 */
import { distinctAuthNids, eventIdsByNids } from "../../storage/rooms/events.ts";
import { tuplesOfOtherTypes } from "../../storage/rooms/heads.ts";
import { redactEvent } from "../../protocol/events/event.ts";
import type { EventId, ServerName } from "../../protocol/identifiers.ts";
import { memberEventsOfErased } from "../../storage/users/erased-users.ts";
import type { Erasures } from "../visibility/erasures.ts";
import type { RoomStore } from "../state/store.ts";
import type { StateAnswer } from "../api/federation.ts";
import type { Room, StateRoot } from "../api/index.ts";

/** Events of a state as nids: a megabyte for 100,000 of them. */
export interface StateNids {
  readonly state: readonly number[];
  readonly authChain: readonly number[];
  readonly membersOmitted: boolean;
}

interface StateNidsOptions {
  /**
   * Members may be omitted except for these member events. A small member list is never omitted.
   */
  readonly onlyMembers?: readonly number[] | undefined;
  /** Auth chains of these are included, too. */
  readonly alsoChainOf?: readonly number[];
}

export interface StateAnswers {
  /** The events to answer with for the state at a root. */
  nids(room: Room, root: StateRoot, what?: StateNidsOptions): Promise<StateNids>;
  /**
   * PDUs as canonical JSON, streamed; member events of erased users are redacted where required.
   */
  texts(nids: StateNids, to: ServerName): StateAnswer;
  /** The same for a short list, at once. */
  listed(nids: readonly number[], to: ServerName): Promise<string[]>;
  ids(nids: readonly number[]): Promise<EventId[]>;
}

/** With fewer members than this nothing is omitted: fetching the members later would cost more. */
const OMIT_FROM = 500;
const PAGE = 2_000;
const EVENTS_PER_READ = 200;

export function createStateAnswers(
  store: RoomStore,
  erasures: Pick<Erasures, "withheldFromServer">,
  omitFrom = OMIT_FROM,
): StateAnswers {
  const { sql, tree, events, authChains } = store;

  async function* textsOf(
    nids: readonly number[],
    to: ServerName,
  ): AsyncGenerator<readonly string[]> {
    for (let at = 0; at < nids.length; at += EVENTS_PER_READ) {
      const some = nids.slice(at, at + EVENTS_PER_READ);
      const withheld = await withheldOf(some, to);
      const others = withheld.size === 0 ? some : some.filter((nid) => !withheld.has(nid));
      yield [...(await events.texts(others)), ...withheld.values()];
    }
  }

  /** nid → redacted text, for events that the server may not get in full. */
  async function withheldOf(nids: readonly number[], to: ServerName): Promise<Map<number, string>> {
    const members = await memberEventsOfErased(sql, nids);
    if (members.length === 0) return new Map();
    const stored = [...(await events.byNids(members)).values()];
    const withheld = await erasures.withheldFromServer(to, stored);
    const hidden = stored.filter(({ nid }) => withheld.has(nid));
    return new Map(hidden.map(({ nid, event }) => [nid, redactEvent(event).json()]));
  }

  /** The entries at the root; `others` are those that are not members. */
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

  /** These events' auth events and their whole auth chains. */
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
      // nids rise in the order of storage, so that auth events mostly come first: the receiver can
      // store them as they arrive.
      return { state: inOrder(state), authChain: inOrder(authChain), membersOmitted };
    },
    texts: ({ state, authChain }, to) => ({
      pdus: textsOf(state, to),
      authChain: textsOf(authChain, to),
    }),
    async listed(nids, to) {
      const texts: string[] = [];
      for await (const some of textsOf(inOrder(nids), to)) texts.push(...some);
      return texts;
    },
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
