import { msg, str } from "@lit/localize";
import { html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { NewRoom } from "../api/rooms.ts";
import { serverOf } from "../store/actions.ts";
import { showPlace, type ListPlace } from "../store/list-place.ts";
import { navigate } from "../store/router.ts";
import { attempt } from "../store/toasts.ts";
import { addToSpace, inSpaceState } from "../store/space-actions.ts";
import { field, FormDialog } from "./form-dialog.ts";

/** Makes a space: rooms that belong together, and who may see them. */
@customElement("weft-create-space")
export class WeftCreateSpace extends FormDialog {
  /** The space in which it is made. */
  @property({ attribute: false }) spaceId: string | undefined;
  @state() private open = false;

  protected override async submit(data: FormData): Promise<boolean> {
    const { client, spaceId } = this;
    const alias = field(data, "alias").replace(/^#/, "").split(":")[0]!;
    const topic = field(data, "topic");
    const space: NewRoom = {
      name: field(data, "name"),
      visibility: "private",
      preset: this.open ? "public_chat" : "private_chat",
      creation_content: { type: "m.space" },
      // What is written in a space itself nobody sees.
      power_level_content_override: { events_default: 100, invite: this.open ? 0 : 50 },
      initial_state: [
        {
          type: "m.room.history_visibility",
          state_key: "",
          content: { history_visibility: this.open ? "world_readable" : "invited" },
        },
        ...(spaceId === undefined ? [] : inSpaceState(client, spaceId, !this.open)),
      ],
    };
    if (topic !== "") space.topic = topic;
    if (this.open && alias !== "") space.room_alias_name = alias;
    const roomId = await client.api.rooms.create(space);
    if (spaceId === undefined) showPlace(roomId as ListPlace);
    else await attempt(() => addToSpace(client, spaceId, roomId));
    navigate({ page: "room", room: roomId, via: [] });
    return true;
  }

  #access(open: boolean, label: string) {
    return html`<label class="choice">
      <input
        type="radio"
        name="access"
        ?checked=${this.open === open}
        @change=${() => (this.open = open)}
      />
      ${label}
    </label>`;
  }

  override render() {
    const server = serverOf(this.client.session.userId);
    return this.form(
      msg("Create a space"),
      msg("Create"),
      html`<p class="hint field">
          ${msg("A space holds the rooms of a team, a club or a family together. One joins it once and sees what there is.")}
        </p>
        <div class="field">
          <label for="name">${msg("Name")}</label>
          <input id="name" name="name" required autofocus maxlength="120" />
        </div>
        <div class="field">
          <label for="topic">${msg("What is it for?")}</label>
          <input id="topic" name="topic" maxlength="400" />
        </div>
        <div class="field" role="radiogroup" aria-label=${msg("Who may join")}>
          ${this.#access(
            false,
            this.spaceId === undefined
              ? msg("Only people who are invited")
              : msg("Everyone in the space around it"),
          )}
          ${this.#access(true, msg("Everyone"))}
        </div>
        ${
          this.open
            ? html`<div class="field">
                <label for="alias">${msg("Address")}</label>
                <input
                  id="alias"
                  name="alias"
                  spellcheck="false"
                  placeholder="my-space"
                  aria-describedby="alias-hint"
                />
                <p class="hint" id="alias-hint">
                  ${msg(str`People find the space as #address:${server}`)}
                </p>
              </div>`
            : nothing
        }`,
    );
  }
}
