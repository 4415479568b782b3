import { atom } from "nanostores";
import type { Mention } from "../text/compose.ts";
import type { Room } from "./room.ts";
import type { Shelf } from "./shelf.ts";

/** What was written and not sent, and what it is about. */
export interface KeptDraft {
  text: string;
  mentions: Mention[];
  /** The id of the message that is answered. */
  replyTo?: string;
  /** The id of the message that is changed. */
  edits?: string;
  /** What was being written when the change began. */
  aside?: KeptDraft;
}

/** Characters of a draft that are kept, at most. */
const MAX_TEXT = 200_000;

const nameOf = (roomId: string, threadRoot: string | undefined): string =>
  threadRoot === undefined ? roomId : `${roomId} ${threadRoot}`;

/** The drafts of rooms and threads: here at once, on this device until they are sent or deleted. */
export function createDrafts(shelf: Shelf | undefined) {
  const kept = new Map<string, KeptDraft>();
  /** Goes up when there is a draft more or less. */
  const $changes = atom(0);

  return {
    $changes,

    /** Reads what was kept at the last visit. */
    async load(): Promise<void> {
      for (const [name, value] of (await shelf?.all("draft").catch(() => [])) ?? []) {
        if (isDraft(value)) kept.set(name, value);
      }
    },

    get: (roomId: string, threadRoot?: string): KeptDraft | undefined =>
      kept.get(nameOf(roomId, threadRoot)),

    /** Keeps a draft; one without words or subject is dropped. */
    set(room: Room, threadRoot: string | undefined, draft: KeptDraft | undefined): void {
      const name = nameOf(room.roomId, threadRoot);
      const isEmpty =
        draft === undefined ||
        (draft.text.trim() === "" && draft.replyTo === undefined && draft.edits === undefined);
      const had = kept.has(name);
      if (isEmpty && !had) return;
      if (isEmpty) kept.delete(name);
      else kept.set(name, draft);
      const row = isEmpty || draft.text.length > MAX_TEXT ? undefined : draft;
      shelf?.put("draft", name, row, room.encryption !== undefined);
      if (had === isEmpty) $changes.set($changes.get() + 1);
    },
  };
}

/** What an older version of this page kept may be of another shape. */
function isDraft(value: unknown): value is KeptDraft {
  if (typeof value !== "object" || value === null) return false;
  const { text, mentions } = value as Partial<KeptDraft>;
  return typeof text === "string" && Array.isArray(mentions);
}

export type Drafts = ReturnType<typeof createDrafts>;
