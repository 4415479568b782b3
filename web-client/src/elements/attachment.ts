import { msg, str } from "@lit/localize";
import { html, LitElement, nothing, type PropertyValues } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { number, object, text, type Unchecked, type UncheckedInfo } from "../api/types.ts";
import { UseClient } from "../controllers/context.ts";
import { Media } from "../controllers/media.ts";
import { openDialog } from "../store/dialogs.ts";
import { drawBlurhash } from "../store/blurhash.ts";
import { wishFor } from "../store/files.ts";
import type { MediaWish } from "../store/media-cache.ts";
import { attempt, report } from "../store/toasts.ts";
import { attachmentStyles } from "../styles/attachment.ts";
import { base, buttons } from "../styles/shared.ts";
import { duration, fileSize } from "../text/time.ts";
import { saveFile } from "./save-file.ts";
import { icon } from "./icon.ts";
import { plainName } from "../text/names.ts";

/** Numbers of a stranger's waveform that are looked at. */
const MAX_WAVE = 1000;
const MAX = { width: 380, height: 300 };
const MAX_STICKER = { width: 180, height: 180 };

/** The room that a picture takes, known before it is loaded so that nothing moves. */
function boxFor(
  info: UncheckedInfo | undefined,
  isSticker: boolean,
): { width: number; height: number } {
  const w = number(info, "w") ?? 0;
  const h = number(info, "h") ?? 0;
  const most = isSticker ? MAX_STICKER : MAX;
  if (w <= 0 || h <= 0) return isSticker ? MAX_STICKER : { width: 280, height: 190 };
  const scale = Math.min(1, most.width / w, most.height / h);
  return {
    width: Math.max(60, Math.round(w * scale)),
    height: Math.max(40, Math.round(h * scale)),
  };
}

/** A picture, film, sound or file in a message. Films and sounds are fetched when they are wanted. */
@customElement("weft-attachment")
export class WeftAttachment extends LitElement {
  @property() kind = "m.file";
  @property({ attribute: false }) content: Unchecked<"m.room.message"> = {};
  @state() private wanted = false;

  readonly #client = new UseClient(this);
  readonly #media = new Media(
    this,
    () => this.#client.optional?.media,
    () => this.#wish(),
  );

  static override styles = [base, buttons, attachmentStyles];

  /** What is seen of a picture while it loads. */
  @state() private blurred: string | undefined;

  override willUpdate(changed: PropertyValues<this>): void {
    if (!changed.has("content")) return;
    const content = this.content;
    this.blurred = undefined;
    const hash = text(this.#info as Record<string, never>, "xyz.amorgan.blurhash");
    if (hash === undefined || (this.kind !== "m.image" && this.kind !== "m.video")) return;
    void drawBlurhash(hash).then((url) => {
      if (this.content === content) this.blurred = url;
    });
  }

  #shape(): string {
    const { width, height } = boxFor(this.#info, this.kind === "m.sticker");
    const behind =
      this.blurred === undefined ? "" : `;background:center/cover url(${this.blurred})`;
    return `width:${width}px;aspect-ratio:${width}/${height}${behind}`;
  }

  /** The file itself, however it lies there. */
  get #whole(): MediaWish | undefined {
    const type = text(this.#info, "mimetype");
    return wishFor(this.content, { url: "url", file: "file" }, type);
  }

  get #thumbnail(): MediaWish | undefined {
    const type = text(object(this.#info, "thumbnail_info"), "mimetype");
    return wishFor(this.#info, { url: "thumbnail_url", file: "thumbnail_file" }, type);
  }

  get #info(): UncheckedInfo | undefined {
    return object(this.content, "info");
  }

  get #name(): string {
    return plainName(text(this.content, "filename") ?? text(this.content, "body")) ?? msg("File");
  }

  #wish(): MediaWish | undefined {
    const whole = this.#whole;
    if (whole === undefined) return undefined;
    if (this.kind === "m.image" || this.kind === "m.sticker") {
      const moving = /gif|webp|apng/.test(text(this.#info, "mimetype") ?? "");
      if (moving) return whole;
      // No server makes a thumbnail of what it cannot read: its sender may have.
      if (whole.sealed !== undefined) return this.#thumbnail ?? whole;
      return { ...whole, size: { width: 800, height: 600, method: "scale" } };
    }
    if (this.wanted) return whole;
    return this.kind === "m.video" ? this.#thumbnail : undefined;
  }

  #save(): void {
    const whole = this.#whole;
    const media = this.#client.optional?.media;
    if (whole === undefined || media === undefined) return;
    void attempt(() => saveFile(media, whole, this.#name));
  }

  /** Large, with the other pictures of the conversation where it stands in one. */
  #enlarge(file: MediaWish): void {
    const options = { bubbles: true, composed: true, cancelable: true };
    if (!this.dispatchEvent(new CustomEvent("open-picture", options))) return;
    openDialog({ kind: "image", pictures: [{ file, name: this.#name }], index: 0 });
  }

  #image() {
    const whole = this.#whole;
    const { url, failed } = this.#media;
    const inside =
      url !== undefined
        ? html`<img src=${url} alt=${this.#name} />`
        : failed
          ? html`<span class="missing"
              >${icon("alert")} ${msg("The picture cannot be shown.")}</span
            >`
          : html`<span class="hidden-label">${msg(str`Loading ${this.#name}`)}</span>`;
    return html`<button
      type="button"
      class="picture ${this.kind === "m.sticker" ? "sticker" : ""}"
      style=${this.#shape()}
      title=${this.#name}
      @click=${() => {
        if (failed) this.#media.retry();
        else if (whole !== undefined) this.#enlarge(whole);
      }}
    >
      ${inside}
    </button>`;
  }

  #video() {
    const shape = this.#shape();
    if (this.wanted && this.#media.url !== undefined) {
      return html`<video
        style=${shape}
        src=${this.#media.url}
        controls
        autoplay
        aria-label=${this.#name}
      ></video>`;
    }
    const length = number(this.#info, "duration");
    return html`<button
      type="button"
      class="picture film"
      style=${shape}
      @click=${() => (this.wanted = true)}
    >
      ${!this.wanted && this.#media.url !== undefined ? html`<img src=${this.#media.url} alt="" />` : nothing}
      <span class="play">${this.wanted ? msg("Loading…") : msg("Play video")}</span>
      <span class="length"
        >${this.#name}${length === undefined ? "" : ` · ${duration(length)}`}</span
      >
    </button>`;
  }

  #audio() {
    import("./sound.ts").catch(report);
    const content = this.content as Record<string, never>;
    const audio = object(content, "org.matrix.msc1767.audio");
    const isVoice = object(content, "org.matrix.msc3245.voice") !== undefined;
    const told: unknown = audio?.["waveform"];
    const waveform = Array.isArray(told)
      ? told.slice(0, MAX_WAVE).filter((one): one is number => typeof one === "number")
      : [];
    return html`<weft-sound
      .wish=${this.#whole}
      name=${isVoice ? msg("Voice message") : this.#name}
      .length=${number(this.#info, "duration") ?? number(audio, "duration")}
      .waveform=${waveform.map((one) => Math.max(0, Math.min(1024, one)))}
    ></weft-sound>`;
  }

  #file() {
    const size = number(this.#info, "size");
    const locked = this.#whole === undefined && object(this.content, "file") !== undefined;
    return html`<div class="file">
      ${icon(locked ? "lock" : "file")}
      <span class="about">
        <span class="ellipsis" title=${this.#name}>${this.#name}</span>
        <span class="size"
          >${locked ? msg("Encrypted") : size === undefined ? nothing : fileSize(size)}</span
        >
      </span>
      ${
        this.#whole === undefined
          ? nothing
          : html`<button
              type="button"
              class="icon-button"
              aria-label=${msg(str`Download ${this.#name}`)}
              title=${msg("Download")}
              @click=${() => this.#save()}
            >
              ${icon("download")}
            </button>`
      }
    </div>`;
  }

  override render() {
    if (this.#whole === undefined) return this.#file();
    if (this.kind === "m.image" || this.kind === "m.sticker") return this.#image();
    if (this.kind === "m.video") return this.#video();
    if (this.kind === "m.audio") return this.#audio();
    return this.#file();
  }
}
