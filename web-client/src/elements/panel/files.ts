import { msg, str } from "@lit/localize";
import { css, html, LitElement, nothing, type PropertyValues } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { number, object, text, type MatrixEvent } from "../../api/types.ts";
import { Watch } from "../../controllers/watch.ts";
import type { Client } from "../../store/client.ts";
import { openPictures } from "../../store/pictures.ts";
import { goToEvent } from "../../store/panel.ts";
import type { Room } from "../../store/room.ts";
import { createRoomFiles, type RoomFiles } from "../../store/room-files.ts";
import { panelStyles } from "../../styles/panel.ts";
import { base, buttons, forms } from "../../styles/shared.ts";
import { plainName } from "../../text/names.ts";
import { explain } from "../../text/problems.ts";
import { fileSize, shortTime } from "../../text/time.ts";
import { icon } from "../icon.ts";
import "./file-tile.ts";

/** The pictures, films, sounds and files of a room. */
@customElement("weft-files")
export class WeftFiles extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) room!: Room;
  @state() private busy = false;
  @state() private problem = "";
  #files: RoomFiles | undefined;

  constructor() {
    super();
    new Watch(this, () => [this.#files?.$files, this.room?.signals.$timeline]);
  }

  static override styles = [
    base,
    buttons,
    forms,
    panelStyles,
    css`
      .grid {
        display: grid;
        grid-template-columns: repeat(3, minmax(0, 1fr));
        gap: var(--space-1);
        padding: 0;
        list-style: none;
      }
      .file {
        display: flex;
        align-items: center;
        gap: var(--space-3);
        width: 100%;
        padding: var(--space-2);
        border: 0;
        border-radius: var(--radius);
        background: none;
        text-align: start;
      }
      .file:hover {
        background: var(--hover);
      }
      .about {
        display: grid;
        flex: 1;
        min-width: 0;
      }
      h3 {
        margin: var(--space-3) var(--space-2) var(--space-2);
        color: var(--muted);
        font-size: 0.83em;
        font-weight: 600;
      }
      ul {
        margin: 0;
        padding: 0;
        list-style: none;
      }
    `,
  ];

  override willUpdate(changed: PropertyValues): void {
    if (changed.has("room")) {
      this.#files?.close();
      this.#files = createRoomFiles(this.client, this.room);
      void this.#more();
    } else this.#files?.look();
  }

  override disconnectedCallback(): void {
    this.#files?.close();
    super.disconnectedCallback();
  }

  async #more(): Promise<void> {
    this.busy = true;
    this.problem = "";
    try {
      await this.#files?.more();
    } catch (error) {
      this.problem = explain(error);
    }
    this.busy = false;
  }

  #open(event: MatrixEvent, pictures: readonly MatrixEvent[]): void {
    if (text(event.content, "msgtype") === "m.image") openPictures(pictures, event);
    else goToEvent(this, event.event_id);
  }

  #tile(event: MatrixEvent, pictures: readonly MatrixEvent[]) {
    return html`<li>
      <weft-file-tile
        .event=${event}
        by=${this.room.displayName(event.sender)}
        @click=${() => this.#open(event, pictures)}
      ></weft-file-tile>
    </li>`;
  }

  #file(event: MatrixEvent) {
    const name =
      plainName(text(event.content, "filename") ?? text(event.content, "body")) ?? msg("File");
    const size = number(object(event.content, "info"), "size");
    const isSound = text(event.content, "msgtype") === "m.audio";
    const about = [
      this.room.displayName(event.sender),
      shortTime(event.origin_server_ts),
      ...(size === undefined ? [] : [fileSize(size)]),
    ];
    return html`<li>
      <button
        type="button"
        class="file"
        title=${msg(str`Go to the message with ${name}`)}
        @click=${() => goToEvent(this, event.event_id)}
      >
        ${icon(isSound ? "music" : "file")}
        <span class="about"
          ><span class="ellipsis">${name}</span>
          <span class="note ellipsis">${about.join(" · ")}</span></span
        >
      </button>
    </li>`;
  }

  #foot() {
    if (this.#files?.isWhole) return nothing;
    return html`<div class="more">
      <button
        type="button"
        class="button small"
        ?disabled=${this.busy}
        @click=${() => void this.#more()}
      >
        ${this.busy ? msg("Looking…") : msg("Look further back")}
      </button>
    </div>`;
  }

  override render() {
    const all = this.#files?.$files.get() ?? [];
    const kind = (event: MatrixEvent): string => text(event.content, "msgtype") ?? "";
    const seen = all.filter((event) => ["m.image", "m.video"].includes(kind(event)));
    const pictures = all.filter((event) => kind(event) === "m.image").toReversed();
    const files = all.filter((event) => ["m.audio", "m.file"].includes(kind(event)));
    return html`<div class="list scroll">
      ${this.problem === "" ? nothing : html`<p class="problem" role="alert">${this.problem}</p>`}
      ${
        seen.length === 0
          ? nothing
          : html`<h3>${msg("Pictures and films")}</h3>
              <ul class="grid">
                ${seen.map((event) => this.#tile(event, pictures))}
              </ul>`
      }
      ${
        files.length === 0
          ? nothing
          : html`<h3>${msg("Files")}</h3>
              <ul>
                ${files.map((event) => this.#file(event))}
              </ul>`
      }
      ${all.length === 0 && !this.busy ? html`<p class="empty">${this.#files?.isWhole ? msg("No files have been sent here.") : msg("No files have been found yet.")}</p>` : nothing}
      ${this.#foot()}
    </div>`;
  }
}
