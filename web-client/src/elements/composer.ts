import { msg, str } from "@lit/localize";
import { html, LitElement, nothing, type PropertyValues } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { text, type MatrixEvent } from "../api/types.ts";
import { Mentions } from "../controllers/mentions.ts";
import { TypingNotifier } from "../controllers/typing.ts";
import { Watch } from "../controllers/watch.ts";
import type { Client } from "../store/client.ts";
import { shownContent } from "../store/describe.ts";
import { threadOf } from "../store/relations.ts";
import type { Room } from "../store/room.ts";
import { report } from "../store/toasts.ts";
import { uploadsOf, type Uploads } from "../store/uploads.ts";
import { composerStyles } from "../styles/composer.ts";
import { base, buttons } from "../styles/shared.ts";
import { contentOf, loadRenderer, relationOf, type Draft, type Renderer } from "../text/compose.ts";
import { composerContext, mentionOffers, whyBarred } from "./composer-parts.ts";
import { canEdit } from "./message-actions.ts";
import { pickEmoji } from "./emoji-popover.ts";
import { icon } from "./icon.ts";
import "./upload-tray.ts";

/** What was written in rooms and threads that one has left for a moment. */
const drafts = new WeakMap<Room, Map<string, string>>();

/** Where messages are written: those of a room, or of a thread in it. */
@customElement("weft-composer")
export class WeftComposer extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) room!: Room;
  /** The event that began the thread which is written in; absent for the room's own messages. */
  @property() threadRoot: string | undefined;
  /** What the room is called, for the hint in the empty field. */
  @property() name = "";
  @state() private replyTo: MatrixEvent | undefined;
  @state() private editing: MatrixEvent | undefined;
  @state() private filled = false;
  @query("textarea") private field!: HTMLTextAreaElement;
  @query("input[type=file]") private files!: HTMLInputElement;

  readonly #mentions = new Mentions(this);
  readonly #typing = new TypingNotifier(this, () => this.client);
  #renderer: Promise<Renderer> | undefined;
  /** Drafts go out in the order in which they were finished. */
  #queue: Promise<void> = Promise.resolve();

  constructor() {
    super();
    new Watch(this, () => [
      this.room?.signals.$state,
      this.room && this.#uploads.$items,
      this.client?.encryption.$status,
    ]);
  }

  static override styles = [base, buttons, composerStyles];

  override firstUpdated(): void {
    this.#setText(drafts.get(this.room)?.get(this.threadRoot ?? "") ?? "");
    // Before it is needed, so that Markdown also works when the server goes away meanwhile.
    setTimeout(() => void this.#render().catch(() => undefined), 1500);
    if (matchMedia("(pointer: fine)").matches) this.field?.focus();
  }

  override disconnectedCallback(): void {
    if (this.editing === undefined && this.field) this.#keep(this.field.value);
    super.disconnectedCallback();
  }

  #keep(words: string): void {
    const ofRoom = drafts.get(this.room) ?? new Map<string, string>();
    ofRoom.set(this.threadRoot ?? "", words);
    drafts.set(this.room, ofRoom);
  }

  get #uploads(): Uploads {
    return uploadsOf(this.room, this.threadRoot);
  }

  protected override updated(changed: PropertyValues): void {
    if (changed.has("replyTo") || changed.has("editing")) this.#resize();
  }

  /** Answers a message. */
  reply(event: MatrixEvent): void {
    if (this.editing !== undefined) this.#cancel();
    this.replyTo = event;
    this.field.focus();
  }

  /** Opens a message of one's own for changing. */
  edit(event: MatrixEvent): void {
    this.replyTo = undefined;
    this.editing = event;
    this.#mentions.reset();
    this.#setText(text(shownContent(this.room, event), "body") ?? "");
    this.field.focus();
  }

  addFiles(files: Iterable<File>): void {
    this.#uploads.add(files);
    this.field.focus();
  }

  #setText(value: string, caret = value.length): void {
    if (!this.field) return;
    this.field.value = value;
    this.field.setSelectionRange(caret, caret);
    this.#changed();
  }

  #changed(): void {
    this.filled = this.field.value.trim() !== "";
    this.#resize();
  }

  #resize(): void {
    if (!this.field) return;
    this.field.style.height = "auto";
    this.field.style.height = `${Math.min(this.field.scrollHeight, 220)}px`;
  }

  #render(): Promise<Renderer> {
    this.#renderer ??= loadRenderer();
    this.#renderer.catch(() => (this.#renderer = undefined));
    return this.#renderer;
  }

  readonly #onInput = (): void => {
    this.#changed();
    void this.#render().catch(() => undefined);
    const { value, selectionStart } = this.field;
    this.#mentions.look(this.room, this.client.session.userId, value, selectionStart);
    if (this.#mentions.open) this.client.history.members(this.room).catch(() => undefined);
    if (value !== "") this.client.encryption.rooms.prepare(this.room);
    this.#typing.typed(this.room, value === "" || this.editing !== undefined);
  };

  #cancel(): void {
    if (this.editing !== undefined) this.#setText("");
    this.editing = undefined;
    this.replyTo = undefined;
    this.#mentions.reset();
  }

  /** Escape, arrows and Enter while names are offered. Answers whether the key was used. */
  #mentionKey(event: KeyboardEvent): boolean {
    if (!this.#mentions.open) return false;
    if (event.key === "ArrowDown") this.#mentions.move(1);
    else if (event.key === "ArrowUp") this.#mentions.move(-1);
    else if (event.key === "Escape") this.#mentions.close();
    else if (event.key === "Enter" || event.key === "Tab") this.#choose(this.#mentions.selected);
    else return false;
    return true;
  }

  #choose(index: number): void {
    const member = this.#mentions.offered[index];
    if (member === undefined) return;
    const next = this.#mentions.choose(
      member,
      this.room,
      this.field.value,
      this.field.selectionStart,
    );
    this.#setText(next.text, next.caret);
    this.field.focus();
  }

  readonly #onKey = (event: KeyboardEvent): void => {
    // While an input method composes, Enter belongs to it.
    if (event.isComposing) return;
    if (this.#mentionKey(event)) {
      event.preventDefault();
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.#send();
    } else if (event.key === "Escape" && (this.editing ?? this.replyTo) !== undefined) {
      event.preventDefault();
      this.#cancel();
    } else if (event.key === "ArrowUp" && this.field.value === "" && this.editing === undefined) {
      this.#editLast(event);
    }
  };

  #editLast(event: KeyboardEvent): void {
    const last = this.room.timeline.entries.findLast(
      (entry) =>
        !entry.hidden && canEdit(this.client, entry) && threadOf(entry.event) === this.threadRoot,
    );
    if (last === undefined) return;
    event.preventDefault();
    this.edit(last.event);
  }

  #draft(): Draft | undefined {
    const body = this.field.value.trim();
    if (body === "") return undefined;
    const thread = this.#thread();
    const draft: Draft = {
      body,
      mentions: this.#mentions.chosen,
      ...(thread === undefined ? {} : { thread }),
    };
    if (this.editing !== undefined) return { ...draft, edits: this.editing.event_id };
    if (this.replyTo === undefined) return draft;
    return { ...draft, replyTo: { eventId: this.replyTo.event_id, sender: this.replyTo.sender } };
  }

  #thread(): Draft["thread"] {
    const root = this.threadRoot;
    if (root === undefined) return undefined;
    const last = this.room.timeline.entries.findLast(({ event }) => threadOf(event) === root);
    return { root, latest: last?.event.event_id ?? root };
  }

  #send(): void {
    const draft = this.#draft();
    const { client, room } = this;
    const uploads = this.#uploads;
    const thread = this.#thread();
    if (uploads.$items.get().length > 0 && this.editing === undefined)
      void uploads.sendAll(client, room, thread && relationOf({ thread }));
    if (draft !== undefined) {
      const renderer = this.#render();
      this.#queue = this.#queue
        .then(() => renderer)
        // Without the Markdown code (the server was away when it was wanted) the words go as they are.
        .catch((): Renderer => () => undefined)
        .then((render) => {
          client.outbox.send(
            room,
            "m.room.message",
            contentOf(draft, render, client.session.userId),
          );
        })
        .catch(report);
    }
    this.#typing.stop();
    this.editing = undefined;
    this.#cancel();
    this.#setText("");
    this.#keep("");
  }

  readonly #onPaste = (event: ClipboardEvent): void => {
    const files = event.clipboardData?.files;
    if (files === undefined || files.length === 0) return;
    event.preventDefault();
    this.addFiles(files);
  };

  #insert(emoji: string): void {
    const { value, selectionStart, selectionEnd } = this.field;
    this.#setText(
      value.slice(0, selectionStart) + emoji + value.slice(selectionEnd),
      selectionStart + emoji.length,
    );
    this.field.focus();
  }

  #context() {
    const subject = this.editing ?? this.replyTo;
    if (subject === undefined) return nothing;
    return composerContext(this.room, subject, this.editing !== undefined, () => this.#cancel());
  }

  #attach() {
    return html`<button
        type="button"
        class="icon-button"
        aria-label=${msg("Attach files")}
        title=${msg("Attach files")}
        @click=${() => this.files.click()}
      >
        ${icon("paperclip")}
      </button>
      <input
        type="file"
        multiple
        hidden
        @change=${() => {
          this.addFiles(this.files.files ?? []);
          this.files.value = "";
        }}
      />`;
  }

  #textarea() {
    const hint = msg(str`Write to ${this.name}`);
    const { open, selected } = this.#mentions;
    return html`<textarea
      rows="1"
      dir="auto"
      aria-label=${hint}
      placeholder=${hint}
      aria-autocomplete="list"
      aria-controls="offers"
      aria-activedescendant=${open ? `offer-${selected}` : nothing}
      @input=${this.#onInput}
      @keydown=${this.#onKey}
      @paste=${this.#onPaste}
      @blur=${() => this.#mentions.close()}
    ></textarea>`;
  }

  override render() {
    const bar = whyBarred(this.client, this.room);
    if (bar !== undefined) return html`<p class="barred">${bar}</p>`;
    const ready =
      this.filled || this.#uploads.$items.get().some((item) => item.state !== "sending");
    return html`<form
      class="box"
      @submit=${(event: Event) => {
        event.preventDefault();
        this.#send();
      }}
    >
      ${mentionOffers(this.#mentions, (index) => this.#choose(index))} ${this.#context()}
      <weft-upload-tray .uploads=${this.#uploads}></weft-upload-tray>
      <div class="row">
        ${this.#attach()} ${this.#textarea()}
        <button
          type="button"
          class="icon-button"
          aria-label=${msg("Insert emoji")}
          title=${msg("Insert emoji")}
          @click=${(event: Event) => pickEmoji(event.currentTarget as Element, (emoji) => this.#insert(emoji))}
        >
          ${icon("smile")}
        </button>
        <button
          type="submit"
          class="icon-button send"
          aria-label=${msg("Send")}
          title=${msg("Send")}
          ?disabled=${!ready}
        >
          ${icon(this.editing === undefined ? "send" : "check")}
        </button>
      </div>
    </form>`;
  }
}
