import { msg, str } from "@lit/localize";
import { html, LitElement, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { Watch } from "../../controllers/watch.ts";
import type { Client } from "../../store/client.ts";
import { canEditPack, choosePack, savePack } from "../../store/image-pack-edits.ts";
import { chosenPacks, packsOfRoom, samePlace, type ImagePack } from "../../store/image-packs.ts";
import { codeFor } from "../../store/pack-upload.ts";
import type { Room } from "../../store/room.ts";
import { attempt } from "../../store/toasts.ts";
import { packStyles } from "../../styles/packs.ts";
import { base, buttons, forms } from "../../styles/shared.ts";
import { explain } from "../../text/problems.ts";
import { icon } from "../icon.ts";
import "../packs/pack-editor.ts";

/** A room's packs of pictures: looked at by all, changed by those who may. */
@customElement("weft-room-pictures")
export class WeftRoomPictures extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) roomId = "";
  @state() private busy = false;
  @state() private problem = "";
  /** The key of the pack that was made last: it stands open. */
  @state() private made = "";
  @query("#new") private field!: HTMLInputElement;

  constructor() {
    super();
    new Watch(this, () => [this.client?.store.$list, this.#room?.signals.$state]);
  }

  static override styles = [base, buttons, forms, packStyles];

  get #room(): Room {
    return this.client?.store.ensure(this.roomId);
  }

  readonly #onNew = async (event: Event): Promise<void> => {
    event.preventDefault();
    const name = this.field.value.trim();
    if (name === "") return;
    const packs = packsOfRoom(this.client, this.#room);
    const taken = new Set(packs.map(({ place }) => (place === "own" ? "" : place.key)));
    const key = codeFor(name, taken);
    this.busy = true;
    this.problem = "";
    try {
      const pack = { name, usage: ["emoticon", "sticker"] as const, images: [] };
      await savePack(this.client, { roomId: this.roomId, key }, pack);
      this.field.value = "";
      this.made = key;
    } catch (error) {
      this.problem = explain(error);
    }
    this.busy = false;
  };

  async #choose(pack: ImagePack, event: Event): Promise<void> {
    const { place } = pack;
    if (place === "own") return;
    await attempt(() => choosePack(this.client, place, (event.target as HTMLInputElement).checked));
    this.requestUpdate();
  }

  #pack(pack: ImagePack) {
    const { place, name, images } = pack;
    const isChosen = chosenPacks(this.client).some((one) => samePlace(one, place));
    const isOpen = place !== "own" && place.key === this.made;
    return html`<details ?open=${isOpen}>
      <summary>
        ${icon("chevronRight")}
        ${images[0] === undefined ? nothing : html`<weft-emoticon mxc=${images[0].mxc}></weft-emoticon>`}
        <span class="grow">${name}</span>
        <span class="muted">${msg(str`Pictures: ${images.length}`)}</span>
      </summary>
      <div class="inner">
        <label class="choice field">
          <input
            type="checkbox"
            .checked=${isChosen}
            @change=${(event: Event) => void this.#choose(pack, event)}
          />
          ${msg("Have it at hand in all my rooms")}
        </label>
        <weft-pack-editor .client=${this.client} .pack=${pack}></weft-pack-editor>
      </div>
    </details>`;
  }

  override render() {
    const packs = packsOfRoom(this.client, this.#room);
    const may = canEditPack(this.client, { roomId: this.roomId, key: "" });
    return html`<p class="muted">
        ${msg("Pictures that everyone in this room can send. They lie on the server unencrypted.")}
      </p>
      ${packs.length === 0 ? html`<p class="muted">${msg("This room has no pack yet.")}</p>` : nothing}
      ${repeat(
        packs,
        ({ place }) => (place === "own" ? "" : place.key),
        (pack) => this.#pack(pack),
      )}
      ${
        may
          ? html`<form @submit=${this.#onNew} autocomplete="off">
              <label for="new">${msg("Name of a new pack")}</label>
              <div class="row">
                <input class="grow" id="new" maxlength="100" required />
                <button type="submit" class="button" ?disabled=${this.busy}>
                  ${msg("Make a pack")}
                </button>
              </div>
              ${this.problem === "" ? nothing : html`<p class="problem" role="alert">${this.problem}</p>`}
            </form>`
          : html`<p class="muted">
              ${msg("You may look at this, but not change it. Someone with more rights here can.")}
            </p>`
      }`;
  }
}
