/** Renders events as client JSON for a reader, in bulk. */
import { LRUCache } from "lru-cache";
import { atMost } from "../../platform/caches.ts";
import { stickyUntil } from "../../protocol/events/sticky.ts";
import type { RoomEvent } from "../../protocol/events/event.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import type { BundledAggregations, PresentInside } from "./bundled-aggregations.ts";
import { clientText } from "./client-text.ts";
import type { Erasures } from "./erasures.ts";
import type { RoomStore } from "../state/store.ts";
import type { EventTransactionIds } from "../records/event-transaction-ids.ts";
import type { VisibleEvent, Reader, StoredEvent } from "../api/index.ts";

export interface Presenter {
  present(events: readonly VisibleEvent[], reader: Reader): Promise<string[]>;
  presentToOthers(events: readonly StoredEvent[]): string[] | undefined;
  presentState(events: readonly StoredEvent[]): string[];
  presentToService(events: readonly StoredEvent[], sender: UserId): Promise<string[]>;
}

export function createPresenter(deps: {
  readonly store: RoomStore;
  readonly eventTransactionIds: EventTransactionIds;
  readonly aggregations: BundledAggregations;
  readonly erasures: Erasures;
  readonly now: () => number;
}): Presenter {
  const { store, eventTransactionIds, aggregations, erasures, now } = deps;
  /** State event nid → nid of the event that it replaced; 0 for none. */
  const replaced = new LRUCache<number, number>(atMost(50_000));

  /** State event nid → text of replaces_state and prev_content. */
  async function replacedTexts(
    events: readonly StoredEvent[],
    { userId }: Reader,
  ): Promise<Map<number, string>> {
    if (events.every(({ event }) => event.stateKey === undefined)) return new Map();
    const wanted = events.filter(
      ({ nid, event, stateBefore }) =>
        event.stateKey !== undefined && stateBefore !== null && !replaced.has(nid),
    );
    await Promise.all(
      wanted.map(async ({ nid, event, stateBefore }) => {
        const key = [event.type, event.stateKey as string] as const;
        const [before] = (await store.state.events(stateBefore, [key])).values();
        replaced.set(nid, before?.nid ?? 0);
      }),
    );
    const pairs = events.flatMap(({ nid }): [number, number][] => {
      const before = replaced.get(nid);
      return before === undefined || before === 0 ? [] : [[nid, before]];
    });
    const replacedEvents = await store.events.byNids(pairs.map(([, before]) => before));
    const shown = await erasures.state(userId, [...replacedEvents.values()]);
    const found = new Map(shown.map((stored) => [stored.nid, stored]));
    const texts = new Map<number, string>();
    for (const [nid, before] of pairs) {
      const event = found.get(before);
      if (event !== undefined) texts.set(nid, replacedText(event));
    }
    return texts;
  }

  async function redactionTexts(
    events: readonly StoredEvent[],
    { userId }: Reader,
  ): Promise<Map<number, string>> {
    const nids = events.flatMap(({ redactedBy }) => redactedBy ?? []);
    const texts = new Map<number, string>();
    if (nids.length === 0) return texts;
    const redactions = [...(await store.events.byNids(nids)).values()];
    for (const { nid, event } of await erasures.copies(userId, redactions)) {
      texts.set(nid, clientText(event, ""));
    }
    return texts;
  }

  async function present(
    visible: readonly VisibleEvent[],
    reader: Reader,
    bundling: boolean,
  ): Promise<string[]> {
    const inside: PresentInside = (some, more) => present(some, reader, more);
    const events = visible.map(({ stored }) => stored);
    const own = events.filter(({ event }) => event.sender === reader.userId);
    const [txns, relations, redactions, before] = await Promise.all([
      eventTransactionIds.of(
        reader,
        own.map(({ event }) => event.eventId),
      ),
      bundling ? aggregations.of(events, reader, inside) : new Map<number, string>(),
      redactionTexts(events, reader),
      replacedTexts(events, reader),
    ]);
    const time = now();
    return visible.map(({ stored, membership }) => {
      const { event, nid, redactedBy } = stored;
      let unsigned = unsignedOf(event, time, membership);
      const sentBy = txns.get(event.eventId);
      if (sentBy !== undefined) unsigned += `,${sentBy}`;
      if (redactedBy === null) unsigned += before.get(nid) ?? "";
      const relation = relations.get(nid);
      if (relation !== undefined) unsigned += `,"m.relations":${relation}`;
      const because = redactedBy === null ? undefined : redactions.get(redactedBy);
      if (because !== undefined) unsigned += `,"redacted_because":${because}`;
      return clientText(event, unsigned);
    });
  }

  return {
    present: (visible, reader) => present(visible, reader, true),
    presentToOthers(events) {
      const isPlain = events.every(
        (stored) =>
          stored.redactedBy === null &&
          stored.event.stateKey === undefined &&
          stored.event.redacts === undefined &&
          !aggregations.mayHave(stored),
      );
      if (!isPlain) return undefined;
      const time = now();
      return events.map(({ event }) => clientText(event, unsignedOf(event, time, "join")));
    },
    async presentToService(events, sender) {
      const reader = { userId: sender };
      const [redactions, before] = await Promise.all([
        redactionTexts(events, reader),
        replacedTexts(events, reader),
      ]);
      const time = now();
      return events.map(({ event, nid, redactedBy }) => {
        const age = `"age":${Math.max(0, time - event.originServerTs)}`;
        if (redactedBy === null) return clientText(event, `${age}${before.get(nid) ?? ""}`);
        const because = redactions.get(redactedBy);
        return clientText(event, because ? `${age},"redacted_because":${because}` : age);
      });
    },
    presentState(events) {
      const time = now();
      return events.map(({ event }) =>
        clientText(event, `"age":${Math.max(0, time - event.originServerTs)}`),
      );
    },
  };
}

/** The part of `unsigned` that every event has. */
function unsignedOf(event: RoomEvent, time: number, membership: string): string {
  const age = Math.max(0, time - event.originServerTs);
  const sticky = (stickyUntil(event, time) ?? 0) - time;
  const ttl = sticky > 0 ? `,"msc4354_sticky_duration_ttl_ms":${sticky}` : "";
  return `"age":${age},"membership":"${membership}"${ttl}`;
}

function replacedText({ event }: StoredEvent): string {
  const { eventId, sender, content } = event;
  const names = `,"replaces_state":${JSON.stringify(eventId)},"prev_sender":${JSON.stringify(sender)}`;
  return `${names},"prev_content":${JSON.stringify(content)}`;
}
