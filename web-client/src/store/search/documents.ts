import { object, text, type MatrixEvent } from "../../api/types.ts";
import { decryptionOf } from "../../encryption/decryption.ts";
import { redactsOf } from "../redactions.ts";
import { plainLine, withoutQuotation } from "../../text/plain.ts";
import { repliesTo, threadOf } from "../relations.ts";
import { isRedacted } from "../timeline.ts";

/** A message as it is searched. */
export interface IndexedMessage {
  id: string;
  sender: string;
  ts: number;
  body: string;
  /** Its words as they are shown, where these are others. */
  said?: string;
  /** True when a file came with it. */
  file?: boolean;
  /** The event that began its thread. */
  thread?: string;
  /** True while only its edit is known, and not the message itself. */
  isEdit?: boolean;
}

/** What is kept of a room beside its messages. Times are milliseconds since the epoch. */
export interface RoomNote {
  roomId: string;
  count: number;
  oldest: number;
  changed: number;
}

/** A message that was read, its newer words, or that it is gone. `id` is the message's. */
export type Change =
  | { kind: "said"; id: string; message: IndexedMessage }
  | { kind: "edited"; id: string; message: IndexedMessage }
  | { kind: "gone"; id: string };

/** Characters of a message that are searched. */
const MAX_BODY = 2000;

/** What an event of an encrypted room means for the index; undefined when nothing. */
export function changeOf(event: MatrixEvent): Change | undefined {
  if (event.type === "m.room.redaction") {
    const target = redactsOf(event);
    return target === undefined ? undefined : { kind: "gone", id: target };
  }
  if (isRedacted(event)) return { kind: "gone", id: event.event_id };
  if (event.type !== "m.room.message" || decryptionOf(event)?.state !== "readable")
    return undefined;
  const relation = object(event.content, "m.relates_to");
  const isEdit = text(relation, "rel_type") === "m.replace";
  const target = isEdit ? text(relation, "event_id") : event.event_id;
  const content = isEdit ? object(event.content, "m.new_content") : event.content;
  const written = text(content, "body");
  if (target === undefined || written === undefined) return undefined;
  const thread = threadOf(event);
  const isAnswer = repliesTo(event) !== undefined;
  // What is quoted was said by somebody else, and is found there.
  const body = isAnswer ? withoutQuotation(written) : written;
  const said = plainLine(content!, isAnswer, MAX_BODY);
  const message: IndexedMessage = {
    id: target,
    sender: event.sender,
    ts: event.origin_server_ts,
    body: body.slice(0, MAX_BODY),
    ...(said !== body && { said }),
    ...(object(content, "file") !== undefined && { file: true }),
    ...(thread !== undefined && { thread }),
    ...(isEdit && { isEdit: true }),
  };
  return { kind: isEdit ? "edited" : "said", id: target, message };
}

/** A message with the words of another. */
function inWords(
  { said: _before, ...message }: IndexedMessage,
  { body, said }: IndexedMessage,
): IndexedMessage {
  return { ...message, body, ...(said !== undefined && { said }) };
}

/** Changes what is known by what came. Only who wrote a message can change it. */
export function applyChange(messages: Map<string, IndexedMessage>, change: Change): void {
  const known = messages.get(change.id);
  if (change.kind === "gone") messages.delete(change.id);
  else if (known === undefined || known.sender !== change.message.sender) {
    // An edit by somebody else is none; and one that came before its message gives way to it.
    if (known === undefined || change.kind === "said") messages.set(change.id, change.message);
  } else if (change.kind === "edited") {
    messages.set(change.id, inWords(known, change.message));
  } else if (known.isEdit) {
    messages.set(change.id, inWords(change.message, known));
  }
}
