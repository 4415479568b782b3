import { msg } from "@lit/localize";
import { css, html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { fold } from "../store/room-sections.ts";
import { addToSpace } from "../store/space-actions.ts";
import { readSpaces } from "../store/spaces.ts";
import { base, buttons, forms } from "../styles/shared.ts";
import "../elements/avatar.ts";
import { FormDialog } from "./form-dialog.ts";

/** How many rooms are offered at once. */
const OFFERED = 60;

/** Puts rooms and spaces that one is in into a space. */
@customElement("weft-add-rooms")
export class WeftAddRooms extends FormDialog {
  @property({ attribute: false }) spaceId = "";
  @state() private search = "";
  @state() private chosen: ReadonlySet<string> = new Set();

  static override styles = [
    base,
    buttons,
    forms,
    css`
      ul {
        max-height: 320px;
        margin: var(--space-2) 0 0;
        padding: 0;
        list-style: none;
      }
      .choice {
        min-height: 40px;
        margin: 0;
      }
      .name {
        min-width: 0;
      }
    `,
  ];

  protected override async submit(): Promise<boolean> {
    for (const roomId of this.chosen) {
      await addToSpace(this.client, this.spaceId, roomId);
      // What is done stays done when the next one fails.
      this.#toggle(roomId, false);
    }
    return true;
  }

  #toggle(roomId: string, on: boolean): void {
    const next = new Set(this.chosen);
    if (on) next.add(roomId);
    else next.delete(roomId);
    this.chosen = next;
  }

  /** Rooms that are not in it yet; no space that holds it itself. */
  #offered() {
    const { store } = this.client;
    const spaces = readSpaces(store);
    const inside = new Set(spaces.children(this.spaceId).map(({ roomId }) => roomId));
    const wanted = fold(this.search);
    return store.$list
      .get()
      .filter(
        ({ roomId, membership, partner, name }) =>
          membership === "join" &&
          partner === undefined &&
          roomId !== this.spaceId &&
          !inside.has(roomId) &&
          !spaces.below(roomId).has(this.spaceId) &&
          fold(name).includes(wanted),
      );
  }

  override render() {
    const all = this.#offered();
    return this.form(
      msg("Add rooms"),
      msg("Add"),
      html`<div class="field">
          <label for="search">${msg("Find a room")}</label>
          <input
            id="search"
            type="search"
            autofocus
            @input=${(event: Event) => (this.search = (event.target as HTMLInputElement).value)}
          />
          <ul class="scroll" aria-label=${msg("Rooms to add")}>
            ${all.slice(0, OFFERED).map(
              ({ roomId, name, avatarUrl, isSpace }) =>
                html`<li>
                  <label class="choice">
                    <input
                      type="checkbox"
                      .checked=${this.chosen.has(roomId)}
                      @change=${(event: Event) =>
                        this.#toggle(roomId, (event.target as HTMLInputElement).checked)}
                    />
                    <weft-avatar
                      seed=${roomId}
                      name=${name}
                      .mxc=${avatarUrl}
                      size="28"
                    ></weft-avatar>
                    <span class="ellipsis name">${name}</span>
                    ${isSpace ? html`<span class="hint">${msg("Space")}</span>` : nothing}
                  </label>
                </li>`,
            )}
          </ul>
          ${all.length === 0 ? html`<p class="hint">${msg("There is no other room to add.")}</p>` : nothing}
        </div>
        <p class="hint">
          ${msg("Adding a room does not change who may join it; you can change that in its settings.")}
        </p>`,
      this.chosen.size > 0,
    );
  }
}
