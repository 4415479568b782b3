import { msg, str } from "@lit/localize";
import { html, LitElement, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { object, text, type MatrixEvent, type Unchecked } from "../api/types.ts";
import { Watch } from "../controllers/watch.ts";
import { openMessageActions, shortcutFor } from "./message-actions.ts";
import { decryptionOf } from "../encryption/decryption.ts";
import type { Client } from "../store/client.ts";
import {
  bodyWithoutFallback,
  captionOf,
  describeMessage,
  isAttachment,
  shownContent,
} from "../store/describe.ts";
import { $previews, previewedLinks } from "../store/link-previews.ts";
import { StaleError } from "../store/outbox.ts";
import { openDialog } from "../store/dialogs.ts";
import { isExpectedEncrypted } from "../store/encrypted-since.ts";
import { isPoll } from "../store/polls.ts";
import { repliesTo } from "../store/relations.ts";
import type { Room } from "../store/room.ts";
import { looksDifferent, type MessageItem } from "../store/timeline-items.ts";
import { isRedacted } from "../store/timeline.ts";
import { report } from "../store/toasts.ts";
import { messageStyles } from "../styles/message.ts";
import { base, buttons } from "../styles/shared.ts";
import { plainText } from "../text/names.ts";
import { bareTime, clockTime, fullTime } from "../text/time.ts";
import { explain } from "../text/problems.ts";
import { hueOf } from "./avatar.ts";
import { icon } from "./icon.ts";
import "./attachment.ts";
import "./encryption/unreadable.ts";
import "./message-toolbar.ts";
import "./reactions.ts";
import "./readers.ts";
import "./rich-text.ts";

const ATTACHMENTS = new Set(["m.sticker", "m.image", "m.video", "m.audio", "m.file"]);

/** Whether there is anything to be read in a message: strangers send what they like. */
function isReadable(content: Unchecked<"m.room.message">): boolean {
  const words = text(content, "body") ?? "";
  return (
    text(content, "msgtype") !== undefined &&
    (plainText(words).trim() !== "" || (text(content, "formatted_body") ?? "").trim() !== "")
  );
}

function whyUnsent(error: unknown): string {
  if (error instanceof StaleError) return msg("It was written a while ago, and never got through.");
  return explain(error);
}

/** One message: who, when, what, and what became of it. */
@customElement("weft-message")
export class WeftMessage extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) room!: Room;
  @property({ attribute: false, hasChanged: looksDifferent }) item!: MessageItem;
  /** Changes when anything in the room does, so that names and reactions are drawn anew. */
  @property({ attribute: false }) version = "";
  /** True while the pointer or keyboard is on it: the tools show. */
  @property({ type: Boolean, reflect: true }) active = false;
  @state() private quoted: MatrixEvent | undefined;
  #quotedId: string | undefined;

  static override styles = [base, buttons, messageStyles];

  constructor() {
    super();
    new Watch(this, () => [$previews]);
  }

  get #event(): MatrixEvent {
    return this.item.entry.event;
  }

  /** What a key does on this message; false when it means nothing here. */
  shortcut(key: string): boolean {
    return shortcutFor(this, this.client, this.room, this.item.entry, key);
  }

  override willUpdate(): void {
    const target = repliesTo(this.#event);
    if (target === this.#quotedId) {
      if (target !== undefined) this.quoted = this.room.record.find(target)?.event ?? this.quoted;
      return;
    }
    this.#quotedId = target;
    this.quoted = target === undefined ? undefined : this.room.record.find(target)?.event;
    if (target === undefined || this.quoted !== undefined) return;
    this.client.history.event(this.room, target).then(
      (event) => {
        if (this.#quotedId === target) this.quoted = event;
      },
      () => undefined,
    );
  }

  #quote() {
    const target = this.#quotedId;
    if (target === undefined || isRedacted(this.#event)) return nothing;
    const said =
      this.quoted === undefined
        ? msg("An earlier message")
        : describeMessage(this.room, this.quoted);
    return html`<button
      type="button"
      class="quote ellipsis"
      @click=${() => this.dispatchEvent(new CustomEvent("go-to-event", { detail: target, bubbles: true, composed: true }))}
    >
      <span class="hidden-label">${msg("In answer to")}</span>
      ${this.quoted === undefined ? nothing : html`<b>${this.room.displayName(this.quoted.sender)}</b> `}${said}
    </button>`;
  }

  #body(content: Unchecked<"m.room.message">) {
    const event = this.#event;
    if (isRedacted(event))
      return html`<p class="gone">${icon("trash")} ${msg("Message deleted")}</p>`;
    const decryption = decryptionOf(event);
    if (decryption !== undefined && decryption.state !== "readable") {
      return html`<weft-unreadable
        .client=${this.client}
        .room=${this.room}
        .event=${event}
        .why=${decryption.state === "unreadable" ? decryption.why : undefined}
      ></weft-unreadable>`;
    }
    const type = event.type === "m.sticker" ? event.type : (text(content, "msgtype") ?? "");
    if (ATTACHMENTS.has(type)) return this.#attachment(type, content);
    if (isPoll(event)) {
      import("./poll.ts").catch(report);
      return html`<weft-poll
        .client=${this.client}
        .room=${this.room}
        .event=${event}
        .version=${this.version}
      ></weft-poll>`;
    }
    if (type === "m.location") {
      import("./location.ts").catch(report);
      return html`<weft-location .content=${content}></weft-location>`;
    }
    if (!isReadable(content)) {
      return html`<p class="gone">${icon("alert")} ${msg("This message cannot be shown.")}</p>`;
    }
    const body = bodyWithoutFallback(event, text(content, "body") ?? "");
    const rich =
      text(content, "format") === "org.matrix.custom.html"
        ? text(content, "formatted_body")
        : undefined;
    return html`${this.#text(type, body, rich, content)} ${this.#previews(body)}`;
  }

  #previews(body: string) {
    const links = previewedLinks(this.room, this.#event, body);
    if (links.length > 0) import("./link-preview.ts").catch(report);
    return links.map(
      (url) => html`<weft-link-preview .client=${this.client} url=${url}></weft-link-preview>`,
    );
  }

  #text(
    type: string,
    body: string,
    rich: string | undefined,
    content: Unchecked<"m.room.message">,
  ) {
    const event = this.#event;
    return html`<weft-rich-text
      class=${type === "m.notice" ? "notice" : ""}
      .body=${body}
      .rich=${rich}
      .room=${this.room}
      .version=${this.version}
      lead=${type === "m.emote" ? this.room.displayName(event.sender) : ""}
      tail=${content === event.content ? "" : msg("(edited)")}
    ></weft-rich-text>`;
  }

  #attachment(type: string, content: Unchecked<"m.room.message">) {
    const caption = captionOf(content);
    return html`<weft-attachment .kind=${type} .content=${content}></weft-attachment> ${
        caption === undefined
          ? nothing
          : html`<weft-rich-text
              .body=${caption}
              .rich=${text(content, "formatted_body")}
              .room=${this.room}
              .version=${this.version}
              tail=${content === this.#event.content ? "" : msg("(edited)")}
            ></weft-rich-text>`
      }`;
  }

  /** Only where something is wrong or unknown: what came encrypted says so itself, what came open is asked about. */
  #shield() {
    const event = this.#event;
    if (this.item.entry.pending !== undefined || isRedacted(event)) return nothing;
    const decryption = decryptionOf(event);
    const isSuspect =
      decryption === undefined
        ? this.client.encryption.rooms.algorithm(this.room) !== "none" &&
          isExpectedEncrypted(this.room, event)
        : decryption.state === "readable" && decryption.shield.color !== "none";
    if (!isSuspect) return nothing;
    import("./encryption/shield.ts").catch(report);
    return html`<weft-shield
      .client=${this.client}
      .room=${this.room}
      .event=${event}
    ></weft-shield>`;
  }

  #header() {
    if (!this.item.header) return nothing;
    const { sender, origin_server_ts: ts } = this.#event;
    return html`<div class="header">
      <button
        type="button"
        class="sender ellipsis"
        style="color:var(--hue-${hueOf(sender)})"
        title=${sender}
        @click=${() => openDialog({ kind: "member", roomId: this.room.roomId, userId: sender })}
      >
        ${this.room.displayName(sender)}
      </button>
      <time title=${fullTime(ts)}>${clockTime(ts)}</time>
    </div>`;
  }

  #gutter() {
    const { sender, origin_server_ts: ts } = this.#event;
    if (!this.item.header)
      return html`<time class="aside" title=${fullTime(ts)}>${bareTime(ts)}</time>`;
    return html`<weft-avatar
      seed=${sender}
      name=${this.room.member(sender)?.displayName ?? sender}
      .mxc=${this.room.member(sender)?.avatarUrl}
      size="38"
    ></weft-avatar>`;
  }

  #sending() {
    const { pending } = this.item.entry;
    if (pending?.state !== "failed") return nothing;
    const { outbox } = this.client;
    return html`<div class="failed" role="alert">
      ${icon("alert")}<span>${msg("Not sent.")} ${whyUnsent(pending.error)}</span>
      <button
        type="button"
        class="button quiet small"
        @click=${() => outbox.retry(this.room, pending.txnId)}
      >
        ${msg("Try again")}
      </button>
      ${
        this.#event.type === "m.room.message" && !isAttachment(this.#event)
          ? html`<button type="button" class="button quiet small" @click=${this.#rewrite}>
              ${msg("Edit")}
            </button>`
          : nothing
      }
      <button
        type="button"
        class="button quiet small"
        @click=${() => outbox.discard(this.room, pending.txnId)}
      >
        ${msg("Discard")}
      </button>
    </div>`;
  }

  /** Takes what was not sent back into the field. */
  readonly #rewrite = (): void => {
    const detail = this.#event;
    this.dispatchEvent(new CustomEvent("edit", { detail, bubbles: true, composed: true }));
  };

  #reactions() {
    const eventId = this.#event.event_id;
    if (this.room.timeline.relations.reactionsTo(eventId).length === 0) return nothing;
    return html`<weft-reactions
      .client=${this.client}
      .room=${this.room}
      .eventId=${eventId}
      .version=${this.version}
    ></weft-reactions>`;
  }

  #mentionsMe(content: Unchecked<"m.room.message">): boolean {
    const mentions = object(content, "m.mentions");
    const users = mentions?.["user_ids"];
    const me = this.client.session.userId;
    return (
      this.#event.sender !== me &&
      (mentions?.["room"] === true || (Array.isArray(users) && users.includes(me)))
    );
  }

  override render() {
    const event = this.#event;
    const content = shownContent(this.room, event);
    const { pending } = this.item.entry;
    const classes = [
      "message",
      this.item.header ? "first" : "",
      pending?.state === "sending" ? "sending" : "",
      this.#mentionsMe(content) ? "for-me" : "",
      this.item.readers.length > 0 ? "read" : "",
    ];
    const readers = this.item.readers;
    const shield = this.#shield();
    return html`<div class=${classes.join(" ")}>
      <div class="gutter">${this.#gutter()}</div>
      <div class="what">
        ${this.#quote()} ${this.#header()}
        <div class="body ${shield === nothing ? "" : "suspect"}">
          ${shield} ${this.#body(content)}
        </div>
        ${this.#sending()} ${this.#reactions()}
      </div>
      ${readers.length === 0 ? nothing : html`<weft-readers .room=${this.room} .readers=${readers}></weft-readers>`}
      ${
        this.active && pending === undefined && !isRedacted(event)
          ? html`<weft-message-toolbar
              aria-label=${msg(str`Actions for the message of ${this.room.displayName(event.sender)}`)}
              .actions=${openMessageActions(this, this.client, this.room, this.item.entry)}
            ></weft-message-toolbar>`
          : nothing
      }
    </div>`;
  }

  /** Done when the text is drawn too, since its height is what matters. */
  protected override async getUpdateComplete(): Promise<boolean> {
    const done = await super.getUpdateComplete();
    const parts = this.renderRoot.querySelectorAll<LitElement>(
      "weft-rich-text, weft-attachment, weft-location, weft-poll, weft-reactions, weft-unreadable",
    );
    await Promise.all([...parts].map((part) => part.updateComplete));
    return done;
  }
}
