import { LitElement, type PropertyValues } from "lit";
import { property, query, state } from "lit/decorators.js";
import type { EventContent, MatrixEvent } from "../../api/types.ts";
import { Completion } from "../../controllers/completion.ts";
import type { Client } from "../../store/client.ts";
import { captionOf, isAttachment, shownContent } from "../../store/describe.ts";
import type { KeptDraft } from "../../store/drafts.ts";
import { threadOf } from "../../store/relations.ts";
import type { Room } from "../../store/room.ts";
import { uploadsOf, type Uploads } from "../../store/uploads.ts";
import type { Draft } from "../../text/compose.ts";
import { sourceOf } from "../../text/source.ts";
import { offersAt } from "./offers.ts";
import { pickInto } from "./pictures.ts";

/** A field with a draft in it: what is written, to whom it answers or what it changes, kept until it is sent. */
export class DraftingElement extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) room!: Room;
  /** The event that began the thread which is written in; absent for the room's own messages. */
  @property() threadRoot: string | undefined;
  @state() protected replyTo: MatrixEvent | undefined;
  @state() protected editing: MatrixEvent | undefined;
  @state() protected filled = false;
  @query("textarea") protected field!: HTMLTextAreaElement;

  protected readonly completion = new Completion(this, (words, caret) =>
    offersAt({ client: this.client, room: this.room }, words, caret),
  );
  /** What was being written when a change of another message began. */
  #aside: KeptDraft | undefined;

  override firstUpdated(): void {
    const kept = this.client.drafts.get(this.room.roomId, this.threadRoot);
    if (kept !== undefined) void this.#restore(kept);
  }

  protected override updated(changed: PropertyValues): void {
    if (changed.has("replyTo") || changed.has("editing")) this.resize();
  }

  protected get uploads(): Uploads {
    return uploadsOf(this.room, this.threadRoot);
  }

  /** Takes up a draft again, with the message that it answers or changes. */
  async #restore(kept: KeptDraft): Promise<void> {
    const { replyTo, edits } = kept;
    this.completion.reset(kept.mentions);
    this.#aside = kept.aside;
    this.setText(kept.text);
    const eventId = edits ?? replyTo;
    if (eventId === undefined) return;
    const event = await this.client.history.event(this.room, eventId).catch(() => undefined);
    if (event === undefined || !this.isConnected) return;
    if (edits === undefined) this.replyTo = event;
    else this.editing = event;
  }

  /** Keeps what is in the field until it is sent. */
  protected keep(): void {
    const { replyTo, editing } = this;
    this.client.drafts.set(this.room, this.threadRoot, {
      text: this.field?.value ?? "",
      mentions: this.completion.mentions,
      ...(replyTo === undefined ? {} : { replyTo: replyTo.event_id }),
      ...(editing === undefined ? {} : { edits: editing.event_id }),
      ...(this.#aside === undefined ? {} : { aside: this.#aside }),
    });
  }

  /** Answers a message. */
  reply(event: MatrixEvent): void {
    if (this.editing !== undefined) this.cancel();
    this.replyTo = event;
    this.field.focus();
    this.keep();
  }

  /** Opens a message of one's own for changing; one that was not sent is taken back into the field. */
  edit(event: MatrixEvent): void {
    const content = shownContent(this.room, event);
    const { text: source, mentions } = isAttachment(event)
      ? { text: captionOf(content) ?? "", mentions: [] }
      : sourceOf(content);
    if (this.editing === undefined && this.field.value.trim() !== "") {
      this.#aside = { text: this.field.value, mentions: this.completion.mentions };
    }
    const isUnsent = event.event_id.startsWith("~");
    this.replyTo = undefined;
    this.editing = isUnsent ? undefined : event;
    this.completion.reset(mentions);
    this.setText(source);
    this.field.focus();
    this.keep();
    if (isUnsent) this.client.outbox.discard(this.room, event.event_id.slice(1));
  }

  protected setText(value: string): void {
    if (!this.field) return;
    this.field.value = value;
    this.field.setSelectionRange(value.length, value.length);
    this.changed();
  }

  protected changed(): void {
    this.filled = this.field.value.trim() !== "";
    this.resize();
  }

  protected resize(): void {
    if (!this.field) return;
    this.field.style.height = "auto";
    this.field.style.height = `${Math.min(this.field.scrollHeight, 220)}px`;
  }

  protected cancel(): void {
    if (this.editing !== undefined) this.setText("");
    this.done();
    this.keep();
  }

  /** What was sent or given up leaves the field to what stood aside. */
  protected done(): void {
    const aside = this.editing === undefined ? undefined : this.#aside;
    this.editing = undefined;
    this.replyTo = undefined;
    this.#aside = undefined;
    if (aside === undefined)
      return this.completion.reset(this.filled ? this.completion.mentions : []);
    this.completion.reset(aside.mentions);
    this.setText(aside.text);
  }

  protected draft(): Draft | undefined {
    const body = this.field.value.trim();
    const { editing, replyTo } = this;
    const file =
      editing !== undefined && isAttachment(editing) ? shownContent(this.room, editing) : undefined;
    if (body === "" && file === undefined) return undefined;
    const thread = this.thread();
    const draft: Draft = {
      body,
      mentions: this.completion.mentions,
      ...(thread === undefined ? {} : { thread }),
    };
    if (editing !== undefined) {
      const edited = file as EventContent<"m.room.message"> | undefined;
      return { ...draft, edits: editing.event_id, ...(edited === undefined ? {} : { edited }) };
    }
    if (replyTo === undefined) return draft;
    return { ...draft, replyTo: { eventId: replyTo.event_id, sender: replyTo.sender } };
  }

  /** Opens the picker beside a tool. What is chosen goes into the field; a sticker answers what is being answered. */
  protected pick(anchor: Element, mode: "emoji" | "stickers"): void {
    const { client, room, field, editing, replyTo } = this;
    const thread = this.thread();
    const answers = editing === undefined && replyTo !== undefined;
    const draft = {
      ...(thread === undefined ? {} : { thread }),
      ...(answers ? { replyTo: { eventId: replyTo.event_id, sender: replyTo.sender } } : {}),
    };
    const sent = (): void => {
      if (!answers) return;
      this.done();
      this.keep();
    };
    pickInto(anchor, { client, room, field, draft, sent }, mode);
  }

  protected thread(): Draft["thread"] {
    const root = this.threadRoot;
    if (root === undefined) return undefined;
    const last = this.room.timeline.entries.findLast(({ event }) => threadOf(event) === root);
    return { root, latest: last?.event.event_id ?? root };
  }
}
