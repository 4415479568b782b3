import { msg } from "@lit/localize";
import { html } from "lit";
import { customElement } from "lit/decorators.js";
import type { NotifyLevel } from "../../store/notify-level.ts";
import { setNotifyLevel } from "../../store/set-notify-level.ts";
import { RoomSettingsSection } from "./section.ts";

function names(): [level: NotifyLevel, name: string, hint: string][] {
  return [
    ["default", msg("As everywhere"), msg("What your own settings say counts for this room, too.")],
    ["all", msg("Every message"), msg("You are told of everything that is written here.")],
    [
      "mentions",
      msg("Mentions and keywords"),
      msg("You are told when somebody means you, and of your keywords."),
    ],
    ["mute", msg("Nothing"), msg("The room stays silent, even when somebody mentions you.")],
  ];
}

/** What one is told of in this room. It is one's own setting: nobody else sees it. */
@customElement("weft-room-notifications")
export class WeftRoomNotifications extends RoomSettingsSection {
  #set(level: NotifyLevel): void {
    void this.attempt(
      "level",
      () => setNotifyLevel(this.client, this.roomId, level),
      msg("Saved."),
    );
  }

  override render() {
    const level = this.client.store.summary(this.roomId)?.notify ?? "default";
    return html`<fieldset>
      <legend>${msg("Tell me of")}</legend>
      ${names().map(
        ([one, name, hint]) =>
          html`<label class="choice">
              <input
                type="radio"
                name="level"
                .checked=${one === level}
                ?disabled=${this.busy}
                aria-describedby="hint-${one}"
                @change=${() => this.#set(one)}
              />${name}
            </label>
            <p class="hint" id="hint-${one}">${hint}</p>`,
      )}
      ${this.wrong("level")}
    </fieldset>`;
  }
}
