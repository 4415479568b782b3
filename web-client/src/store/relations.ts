import { object, text, type MatrixEvent } from "../api/types.ts";
import { isOfPoll } from "./polls.ts";
import { decryptionOf } from "../encryption/decryption.ts";
import { answered } from "../text/plain.ts";

export interface ReactionCount {
  key: string;
  /** Who reacted, in the order seen, with the event to redact when it is taken back. */
  by: Map<string, string>;
}

/** What an event says about another one, or undefined. */
function relationOf(
  event: MatrixEvent,
): { type: string; eventId: string; key?: string } | undefined {
  const relation = object(event.content, "m.relates_to");
  const type = text(relation, "rel_type");
  const eventId = text(relation, "event_id");
  if (type === undefined || eventId === undefined) return undefined;
  const key = text(relation, "key");
  return key === undefined ? { type, eventId } : { type, eventId, key };
}

/** The event that this one answers. What stands in a thread names one for old clients too, which is no answer to it. */
export const repliesTo = (event: MatrixEvent): string | undefined => answered(event.content);

/** The root of the thread that an event stands in, or undefined. */
export function threadOf(event: MatrixEvent): string | undefined {
  const relation = relationOf(event);
  return relation?.type === "m.thread" ? relation.eventId : undefined;
}

/** Reactions and edits, gathered by the event that they are about, whatever order they arrive in. */
export class Relations {
  readonly #reactions = new Map<string, Map<string, ReactionCount>>();
  readonly #edits = new Map<string, MatrixEvent[]>();
  /** Votes, and ends of polls. */
  readonly #ofPolls = new Map<string, Map<string, MatrixEvent>>();
  readonly #targetOf = new Map<string, string>();
  readonly #versions = new Map<string, number>();

  /** Goes up when something else is said of an event. */
  versionOf(eventId: string): number {
    return this.#versions.get(eventId) ?? 0;
  }

  #changed(target: string): void {
    this.#versions.set(target, this.versionOf(target) + 1);
  }

  /** Takes in an event. Answers true when it only says something about another and is no line of its own. */
  add(event: MatrixEvent): boolean {
    const relation = relationOf(event);
    if (relation === undefined) return false;
    this.#changed(relation.eventId);
    if (this.#targetOf.has(event.event_id)) return true;
    if (
      event.type === "m.reaction" &&
      relation.type === "m.annotation" &&
      relation.key !== undefined
    ) {
      this.#addReaction(event, relation.eventId, relation.key);
      return true;
    }
    if (relation.type === "m.reference" && isOfPoll(event)) {
      const ofPoll = this.#ofPolls.get(relation.eventId) ?? new Map<string, MatrixEvent>();
      this.#ofPolls.set(relation.eventId, ofPoll.set(event.event_id, event));
      this.#targetOf.set(event.event_id, relation.eventId);
      return true;
    }
    if (relation.type === "m.replace" && object(event.content, "m.new_content") !== undefined) {
      const edits = this.#edits.get(relation.eventId) ?? [];
      edits.push(event);
      this.#edits.set(relation.eventId, edits);
      this.#targetOf.set(event.event_id, relation.eventId);
      return true;
    }
    return false;
  }

  #addReaction(event: MatrixEvent, target: string, key: string): void {
    const ofTarget = this.#reactions.get(target) ?? new Map<string, ReactionCount>();
    const count = ofTarget.get(key) ?? { key, by: new Map<string, string>() };
    if (!count.by.has(event.sender)) count.by.set(event.sender, event.event_id);
    ofTarget.set(key, count);
    this.#reactions.set(target, ofTarget);
    this.#targetOf.set(event.event_id, target);
  }

  /** Forgets a redacted (or replaced) reaction or edit. */
  remove(eventId: string): void {
    const target = this.#targetOf.get(eventId);
    if (target === undefined) return;
    this.#targetOf.delete(eventId);
    this.#ofPolls.get(target)?.delete(eventId);
    this.#changed(target);
    const reactions = this.#reactions.get(target);
    for (const [key, count] of reactions ?? []) {
      for (const [sender, id] of count.by) if (id === eventId) count.by.delete(sender);
      if (count.by.size === 0) reactions?.delete(key);
    }
    const edits = this.#edits.get(target)?.filter((edit) => edit.event_id !== eventId);
    if (edits !== undefined) this.#edits.set(target, edits);
  }

  reactionsTo(eventId: string): ReactionCount[] {
    return [...(this.#reactions.get(eventId)?.values() ?? [])].toSorted(
      (a, b) => b.by.size - a.by.size,
    );
  }

  /** The newest valid edit: same sender and same type as the original. */
  editOf(original: MatrixEvent): MatrixEvent | undefined {
    let newest: MatrixEvent | undefined;
    for (const edit of this.#edits.get(original.event_id) ?? []) {
      if (edit.sender !== original.sender || edit.type !== original.type) continue;
      if (!isAsSafe(edit, original)) continue;
      if (newest === undefined || edit.origin_server_ts >= newest.origin_server_ts) newest = edit;
    }
    return newest ?? bundledEdit(original);
  }

  /** The edits and votes that are about this event. */
  about(eventId: string): MatrixEvent[] {
    const ofPoll = this.#ofPolls.get(eventId)?.values() ?? [];
    return [...(this.#edits.get(eventId) ?? []), ...ofPoll];
  }
}

/** What was said encrypted is not changed by an edit that came open: a server could have written it. */
function isAsSafe(edit: MatrixEvent, original: MatrixEvent): boolean {
  return decryptionOf(original) === undefined || decryptionOf(edit)?.state === "readable";
}

/** The edit that a server put beside the original event. */
function bundledEdit(original: MatrixEvent): MatrixEvent | undefined {
  const edit = original.unsigned?.["m.relations"]?.["m.replace"];
  return edit !== undefined &&
    object(edit.content, "m.new_content") !== undefined &&
    edit.sender === original.sender &&
    isAsSafe(edit, original)
    ? edit
    : undefined;
}
