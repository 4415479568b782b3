import { msg, str } from "@lit/localize";
import { html, LitElement, nothing, type PropertyValues } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { UseClient } from "../controllers/context.ts";
import { Media } from "../controllers/media.ts";
import type { Picture } from "../store/dialogs.ts";
import { attempt } from "../store/toasts.ts";
import { lightboxStyles } from "../styles/lightbox.ts";
import { base, buttons } from "../styles/shared.ts";
import { saveFile } from "../elements/save-file.ts";
import { icon, type IconName } from "../elements/icon.ts";
import "../elements/dialog.ts";

const MAX_ZOOM = 8;
const STEP = 1.4;

/** Pictures in full size: one at a time, with the ones before and after it a key away. */
@customElement("weft-image-view")
export class WeftImageView extends LitElement {
  @property({ attribute: false }) pictures: readonly Picture[] = [];
  @property({ attribute: false }) index = 0;
  /** How much larger than it fits. */
  @state() private zoom = 1;
  /** How far it is drawn aside, in pixels. */
  @state() private at = { x: 0, y: 0 };
  @state() private shown = 0;
  #dragged: { x: number; y: number } | undefined;
  readonly #client = new UseClient(this);
  readonly #media = new Media(
    this,
    () => this.#client.optional?.media,
    () => this.#picture?.file,
  );

  static override styles = [base, buttons, lightboxStyles];

  get #picture(): Picture | undefined {
    return this.pictures[this.shown];
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("pictures") || changed.has("index")) this.#show(this.index);
  }

  #show(index: number): void {
    this.shown = Math.min(Math.max(index, 0), this.pictures.length - 1);
    this.#fit();
  }

  #fit(): void {
    this.zoom = 1;
    this.at = { x: 0, y: 0 };
  }

  /** Makes it larger or smaller; what lies in the middle stays there. */
  #scale(by: number): void {
    const zoom = Math.min(Math.max(this.zoom * by, 1), MAX_ZOOM);
    const share = zoom / this.zoom;
    this.at = zoom === 1 ? { x: 0, y: 0 } : { x: this.at.x * share, y: this.at.y * share };
    this.zoom = zoom;
  }

  readonly #onKey = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const isLarge = this.zoom > 1;
    const pan = (x: number, y: number) => (): void => {
      this.at = { x: this.at.x + x, y: this.at.y + y };
    };
    const keys: Record<string, () => void> = {
      ArrowLeft: isLarge ? pan(60, 0) : () => this.#show(this.shown - 1),
      ArrowRight: isLarge ? pan(-60, 0) : () => this.#show(this.shown + 1),
      ...(isLarge && { ArrowUp: pan(0, 60), ArrowDown: pan(0, -60) }),
      PageUp: () => this.#show(this.shown - 1),
      PageDown: () => this.#show(this.shown + 1),
      Home: () => this.#show(0),
      End: () => this.#show(this.pictures.length - 1),
      "+": () => this.#scale(STEP),
      "=": () => this.#scale(STEP),
      "-": () => this.#scale(1 / STEP),
      "0": () => this.#fit(),
    };
    const act = keys[event.key];
    if (act === undefined) return;
    event.preventDefault();
    act();
  };

  readonly #onWheel = (event: WheelEvent): void => {
    event.preventDefault();
    this.#scale(event.deltaY < 0 ? 1.15 : 1 / 1.15);
  };

  readonly #onDown = (event: PointerEvent): void => {
    if (this.zoom === 1) return;
    (event.currentTarget as Element).setPointerCapture(event.pointerId);
    this.#dragged = { x: event.clientX - this.at.x, y: event.clientY - this.at.y };
  };

  readonly #onMove = (event: PointerEvent): void => {
    if (this.#dragged === undefined) return;
    this.at = { x: event.clientX - this.#dragged.x, y: event.clientY - this.#dragged.y };
  };

  readonly #onUp = (): void => {
    this.#dragged = undefined;
  };

  #save(): void {
    const media = this.#client.optional?.media;
    const picture = this.#picture;
    if (media === undefined || picture === undefined) return;
    void attempt(() => saveFile(media, picture.file, picture.name));
  }

  #tool(name: IconName, label: string, run: () => void, disabled = false) {
    return html`<button
      type="button"
      class="icon-button"
      aria-label=${label}
      title=${label}
      ?disabled=${disabled}
      @click=${run}
    >
      ${icon(name)}
    </button>`;
  }

  #stage() {
    if (this.#media.failed) return html`<p>${msg("The picture cannot be loaded.")}</p>`;
    if (this.#media.url === undefined) return html`<p role="status">${msg("Loading…")}</p>`;
    const { x, y } = this.at;
    return html`<img
      src=${this.#media.url}
      alt=${this.#picture?.name ?? ""}
      draggable="false"
      style="transform:translate(${x}px, ${y}px) scale(${this.zoom})"
    />`;
  }

  #step(by: number) {
    const to = this.shown + by;
    if (this.pictures.length < 2) return nothing;
    return this.#tool(
      by < 0 ? "chevronLeft" : "chevronRight",
      by < 0 ? msg("Picture before") : msg("Next picture"),
      () => this.#show(to),
      to < 0 || to >= this.pictures.length,
    );
  }

  override render() {
    const count = this.pictures.length;
    const place = msg(str`${this.shown + 1} of ${count}`);
    return html`<weft-dialog
      wide
      heading=${this.#picture?.name || msg("Picture")}
      @keydown=${this.#onKey}
    >
      <div class="view">
        <div
          class="stage ${this.zoom > 1 ? "large" : ""}"
          @wheel=${{ handleEvent: this.#onWheel, passive: false }}
          @dblclick=${() => (this.zoom > 1 ? this.#fit() : this.#scale(2.5))}
          @pointerdown=${this.#onDown}
          @pointermove=${this.#onMove}
          @pointerup=${this.#onUp}
          @pointercancel=${this.#onUp}
        >
          ${this.#stage()}
        </div>
        <div class="tools" role="toolbar" aria-label=${msg("Picture")}>
          ${this.#step(-1)}
          ${count < 2 ? nothing : html`<span class="place" role="status">${place}</span>`}
          ${this.#step(1)}
          <span class="gap"></span>
          ${this.#tool("zoomOut", msg("Smaller"), () => this.#scale(1 / STEP), this.zoom === 1)}
          ${this.#tool("zoomIn", msg("Larger"), () => this.#scale(STEP), this.zoom >= MAX_ZOOM)}
          ${this.#tool("download", msg("Download"), () => this.#save())}
        </div>
      </div>
    </weft-dialog>`;
  }
}
