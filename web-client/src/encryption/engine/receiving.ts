import { DeviceLists, type OlmMachine } from "@matrix-org/matrix-sdk-crypto-wasm";
import { object, text, type Content } from "../../api/types.ts";
import type { SyncChanges } from "../protocol.ts";
import { userIds } from "./core.ts";

/**
 * Messages for a device in portions, each with at most one from any device, in their order; at least one portion. The
 * machine compares a room key with the copy that it keeps, and not with one that came in the same portion: of two it would
 * keep the later one, which opens fewer messages where the sender gave its key once more.
 */
export function portions(messages: readonly Content[]): Content[][] {
  const all: Content[][] = [[]];
  let senders = new Set<string>();
  for (const message of messages) {
    const sender = text(object(message, "content"), "sender_key");
    if (sender !== undefined && senders.has(sender)) {
      all.push([]);
      senders = new Set();
    }
    if (sender !== undefined) senders.add(sender);
    all.at(-1)!.push(message);
  }
  return all;
}

/** Gives the machine what a sync brought. Answers the messages as they were read, as JSON. */
export async function receive(
  machine: OlmMachine,
  messages: readonly Content[],
  { changed, left, counts, fallbacks }: SyncChanges,
): Promise<string[]> {
  const numbers = new Map(Object.entries(counts ?? {}));
  const types = fallbacks === undefined ? undefined : new Set(fallbacks);
  let lists = new DeviceLists(userIds(changed), userIds(left));
  const read: string[] = [];
  for (const portion of portions(messages)) {
    const json = JSON.stringify(portion);
    const received =
      counts === undefined
        ? await machine.receiveSyncChangesMsc4186(json, lists, numbers, types)
        : await machine.receiveSyncChanges(json, lists, numbers, types);
    read.push(...received.map(({ rawEvent }) => rawEvent));
    lists = new DeviceLists([], []);
  }
  return read;
}
