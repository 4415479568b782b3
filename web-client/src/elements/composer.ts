import { msg, str } from "@lit/localize";
import { html, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { TypingNotifier } from "../controllers/typing.ts";
import { Watch } from "../controllers/watch.ts";
import { openDialog } from "../store/dialogs.ts";
import { threadOf } from "../store/relations.ts";
import { report } from "../store/toasts.ts";
import type { UploadItem } from "../store/uploads.ts";
import { composerStyles } from "../styles/composer.ts";
import { base, buttons } from "../styles/shared.ts";
import { commandIn, relationOf, type Draft } from "../text/compose.ts";
import { DraftingElement } from "./composer/drafting.ts";
import { closedEmoji } from "./composer/offers.ts";
import {
  addItems,
  composerContext,
  offerList,
  problemLine,
  sendButton,
  tool,
  whyBarred,
} from "./composer/parts.ts";
import { maySendStickers } from "./composer/pictures.ts";
import { Markdown, obey, sendNow, type Outcome } from "./composer/sending.ts";
import { markFor, replaceText, toggleMark, type Mark } from "./composer/text-field.ts";
import { canEdit } from "./message-actions.ts";
import type { Recording } from "./composer/voice.ts";
import "./menu.ts";
import "./upload-tray.ts";

const markdown = new Markdown();

/** Where messages are written: those of a room, or of a thread in it. */
@customElement("weft-composer")
export class WeftComposer extends DraftingElement {
  /** What the room is called, for the hint in the empty field. */
  @property() name = "";
  @state() private formatting = false;
  @state() private recording = false;
  /** Why what is in the field was not sent. */
  @state() private problem: Extract<Outcome, { sent: false }> | undefined;
  @query("input[type=file]") private files!: HTMLInputElement;

  readonly #typing = new TypingNotifier(this, () => this.client);
  /** Drafts go out in the order in which they were finished. */
  #queue: Promise<void> = Promise.resolve();

  constructor() {
    super();
    new Watch(this, () => [
      this.room?.signals.$state,
      this.room && this.uploads.$items,
      this.client?.encryption.$status,
    ]);
  }

  static override styles = [base, buttons, composerStyles];

  override firstUpdated(): void {
    super.firstUpdated();
    // Before it is needed, so that Markdown also works when the server goes away meanwhile.
    setTimeout(() => void markdown.load().catch(() => undefined), 1500);
    if (matchMedia("(pointer: fine)").matches) this.field?.focus();
  }

  addFiles(files: Iterable<File>): void {
    this.uploads.add(files);
    this.field.focus();
  }

  protected override changed(): void {
    super.changed();
    this.problem = undefined;
  }

  readonly #onInput = (): void => {
    this.changed();
    this.keep();
    void markdown.load().catch(() => undefined);
    const { value, selectionStart } = this.field;
    this.completion.look(value, selectionStart);
    if (this.completion.open) this.client.history.members(this.room).catch(() => undefined);
    if (value !== "") this.client.encryption.rooms.prepare(this.room);
    this.#typing.typed(this.room, value === "" || this.editing !== undefined);
    const isPicked = this.field.dataset["picked"] !== undefined;
    if (value[selectionStart - 1] === ":" && !isPicked)
      void this.#closeEmoji(value, selectionStart);
  };

  async #closeEmoji(value: string, caret: number): Promise<void> {
    const found = await closedEmoji(this, value, caret).catch(() => undefined);
    if (found === undefined || this.field?.value !== value) return;
    replaceText(this.field, found.start, caret, found.emoji);
  }

  /** Escape, arrows and Enter while something is offered. Answers whether the key was used. */
  #offerKey(event: KeyboardEvent): boolean {
    if (!this.completion.open) return false;
    // A command that stands there whole is done, not completed.
    const isWhole = event.key === "Enter" && this.completion.offered[0]?.text === this.field.value;
    if (isWhole) return false;
    if (event.key === "ArrowDown") this.completion.move(1);
    else if (event.key === "ArrowUp") this.completion.move(-1);
    else if (event.key === "Escape") this.completion.close();
    else if (event.key === "Enter" || event.key === "Tab") this.#choose(this.completion.selected);
    else return false;
    return true;
  }

  #choose(index: number): void {
    const chosen = this.completion.choose(index);
    if (chosen === undefined) return;
    const { value, selectionStart: caret } = this.field;
    const end = value[caret] === " " ? caret + 1 : caret;
    replaceText(this.field, chosen.start, end, chosen.text);
    this.completion.close();
  }

  readonly #onKey = (event: KeyboardEvent): void => {
    // While an input method composes, Enter belongs to it.
    if (event.isComposing) return;
    const mark = markFor(event);
    if (this.#offerKey(event)) {
      event.preventDefault();
    } else if (mark !== undefined) {
      event.preventDefault();
      toggleMark(this.field, mark);
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.#send();
    } else if (event.key === "Escape" && (this.editing ?? this.replyTo) !== undefined) {
      event.preventDefault();
      this.cancel();
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

  #send(): void {
    const draft = this.draft();
    const value = this.field.value;
    if (draft !== undefined && draft.edits === undefined && commandIn(draft.body) !== undefined) {
      void this.#obey(draft, value);
      return;
    }
    this.#sendWords(draft, value);
  }

  async #obey(draft: Draft, value: string): Promise<void> {
    const outcome = await obey(this, draft.body);
    if (outcome === undefined) this.#sendWords(draft, value);
    else if (!outcome.sent) this.problem = outcome;
    else if (this.field?.value === value) {
      this.setText("");
      this.keep();
    }
  }

  #sendWords(draft: Draft | undefined, value: string): void {
    const { client, room, threadRoot } = this;
    const sending = { client, room, uploads: this.uploads, draft };
    if (markdown.ready !== undefined || draft === undefined) {
      const outcome = sendNow(sending, markdown.ready ?? (() => undefined));
      if (!outcome.sent) {
        this.problem = outcome;
        return;
      }
    } else {
      this.#queue = this.#queue
        .then(() => markdown.whenever())
        .then((render) => {
          const outcome = sendNow(sending, render);
          if (!outcome.sent) throw new Error(outcome.problem);
          // What is in the field by now is another draft.
          const { drafts } = client;
          if (drafts.get(room.roomId, threadRoot)?.text === value) {
            drafts.set(room, threadRoot, undefined);
          }
        })
        .catch((error: unknown) => {
          if (this.field?.value === "") this.setText(value);
          report(error);
        });
    }
    this.#typing.stop();
    this.setText("");
    this.done();
    if (markdown.ready !== undefined) this.keep();
  }

  /** What is too long for a message goes as a file. */
  #asFile(): void {
    const file = new File([this.field.value], "message.txt", { type: "text/plain" });
    this.setText("");
    this.keep();
    this.addFiles([file]);
  }

  readonly #onPaste = (event: ClipboardEvent): void => {
    const files = event.clipboardData?.files;
    if (files === undefined || files.length === 0) return;
    event.preventDefault();
    this.addFiles(files);
  };

  readonly #onAgain = ({ detail }: CustomEvent<UploadItem>): void => {
    void this.uploads.sendOne(this.client, this.room, detail.id);
  };

  /** The words that were to go with a file come back when it is taken off. */
  readonly #onRemoved = ({ detail: { words } }: CustomEvent<UploadItem>): void => {
    if (words === undefined || this.filled) return;
    this.setText(words.source);
    this.keep();
  };

  /** What else than words can be sent. */
  #add() {
    const items = addItems({
      attach: () => this.files.click(),
      sticker: maySendStickers(this.client, this.room)
        ? () => this.pick(this.renderRoot.querySelector("weft-menu")!, "stickers")
        : undefined,
      record: () => (this.recording = true),
      poll: () => openDialog({ kind: "new-poll", roomId: this.room.roomId, thread: this.thread() }),
      place: () =>
        void import("./composer/share-location.ts")
          .then(({ shareLocation }) => shareLocation(this.client, this.room, this.thread()))
          .catch(report),
    });
    return html`<weft-menu label=${msg("Add")} icon="plus" .items=${items}></weft-menu>
      <input type="file" multiple hidden @change=${this.#onFiles} />`;
  }

  readonly #onFiles = (): void => {
    this.addFiles(this.files.files ?? []);
    this.files.value = "";
  };

  readonly #onRecorded = ({ detail }: CustomEvent<Recording>): void => {
    const { file, ...voice } = detail;
    this.#stopRecording();
    const thread = this.thread();
    const relation = thread && relationOf({ thread });
    for (const id of this.uploads.add([file], { voice, relation }))
      void this.uploads.sendOne(this.client, this.room, id);
  };

  readonly #stopRecording = (): void => {
    this.recording = false;
    void this.updateComplete.then(() => this.field?.focus());
  };

  #recorder() {
    import("./composer/voice.ts").catch(report);
    return html`<weft-voice-recorder
      @recorded=${this.#onRecorded}
      @cancel=${this.#stopRecording}
    ></weft-voice-recorder>`;
  }

  #textarea() {
    const hint = msg(str`Write to ${this.name}`);
    const { open, selected } = this.completion;
    return html`<textarea
      rows="1"
      dir="auto"
      aria-label=${hint}
      placeholder=${hint}
      aria-autocomplete="list"
      aria-controls="offers"
      aria-activedescendant=${open ? `offer-${selected}` : nothing}
      aria-describedby=${this.problem === undefined ? nothing : "problem"}
      @input=${this.#onInput}
      @keydown=${this.#onKey}
      @paste=${this.#onPaste}
      @blur=${() => this.completion.close()}
    ></textarea>`;
  }

  #formatBar() {
    if (!this.formatting) return nothing;
    import("./composer/format-bar.ts").catch(report);
    return html`<weft-format-bar
      @mark=${(event: CustomEvent<Mark>) => toggleMark(this.field, event.detail)}
    ></weft-format-bar>`;
  }

  #problem() {
    const { problem } = this;
    if (problem === undefined) return nothing;
    const canBeFile = problem.isTooLong === true && this.editing === undefined;
    return problemLine(problem.problem, canBeFile ? () => this.#asFile() : undefined);
  }

  #row() {
    const ready =
      this.filled ||
      this.editing !== undefined ||
      this.uploads.$items.get().some((item) => item.state !== "sending");
    return html`<div class="row" ?hidden=${this.recording}>
      ${this.#add()} ${this.#textarea()}
      ${tool("format", msg("Formatting"), () => (this.formatting = !this.formatting), this.formatting)}
      ${tool("smile", msg("Insert emoji"), (anchor) => this.pick(anchor, "emoji"))}
      ${sendButton(ready, this.editing !== undefined)}
    </div>`;
  }

  override render() {
    const bar = whyBarred(this.client, this.room);
    if (bar !== undefined) return html`<p class="barred">${bar}</p>`;
    return html`<form
      class="box"
      @submit=${(event: SubmitEvent) => {
        event.preventDefault();
        this.#send();
        if (event.submitter?.matches(":focus") === true) this.field.focus();
      }}
    >
      ${offerList(this.completion, (index) => this.#choose(index))}
      ${composerContext(this.room, this.editing ?? this.replyTo, this.editing !== undefined, () => this.cancel())}
      <weft-upload-tray
        .uploads=${this.uploads}
        @removed=${this.#onRemoved}
        @again=${this.#onAgain}
      ></weft-upload-tray>
      ${this.#formatBar()} ${this.recording ? this.#recorder() : nothing} ${this.#row()}
      ${this.#problem()}
    </form>`;
  }
}
