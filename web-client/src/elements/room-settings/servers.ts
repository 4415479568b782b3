import { msg, str } from "@lit/localize";
import { html } from "lit";
import { customElement } from "lit/decorators.js";
import { strings, type EventContent } from "../../api/types.ts";
import { serverOf } from "../../store/actions.ts";
import { openDialog } from "../../store/dialogs.ts";
import { admits, type ServerRules } from "../../store/server-rules.ts";
import { RoomSettingsSection } from "./section.ts";

const lines = (value: string): string[] => [
  ...new Set(
    value
      .split(/[\s,]+/)
      .map((one) => one.trim())
      .filter((one) => one !== ""),
  ),
];

/** Which servers may take part in the room. */
@customElement("weft-room-servers")
export class WeftRoomServers extends RoomSettingsSection {
  get #held(): ServerRules {
    const content = this.content("m.room.server_acl");
    return {
      allow: content === undefined ? ["*"] : strings(content, "allow"),
      deny: strings(content, "deny"),
      literals: content?.["allow_ip_literals"] !== false,
    };
  }

  #next(): ServerRules {
    const held = this.#held;
    return {
      allow: lines(this.draft("allow", held.allow.join("\n"))),
      deny: lines(this.draft("deny", held.deny.join("\n"))),
      literals: this.draft("literals", String(held.literals)) === "true",
    };
  }

  protected override check(name: string, value: string): string {
    const bad = lines(value).find((one) => !/^[\w.*?:[\]-]+$/.test(one));
    return (name === "allow" || name === "deny") && bad !== undefined
      ? msg("Names of servers are made of letters, digits, dots and hyphens, with * and ? for any.")
      : "";
  }

  /** How many in the room would be shut out. */
  #shutOut(next: ServerRules): number {
    return this.room.members("join").filter(({ userId }) => !admits(next, serverOf(userId))).length;
  }

  readonly #onSubmit = (event: Event): void => {
    event.preventDefault();
    if (!this.isSound) return;
    const next = this.#next();
    if (!admits(next, serverOf(this.client.session.userId))) {
      this.setProblem(
        "",
        msg("This would shut out your own server, and nobody on it could undo that."),
      );
      return;
    }
    const content: EventContent<"m.room.server_acl"> = {
      allow: [...next.allow],
      deny: [...next.deny],
      allow_ip_literals: next.literals,
    };
    const save = () => this.client.api.rooms.setState(this.roomId, "m.room.server_acl", content);
    openDialog({
      kind: "confirm",
      heading: msg("Change which servers may take part?"),
      text: this.#consequence(this.#shutOut(next)),
      action: msg("Change them"),
      danger: true,
      run: async () => {
        await save();
        this.drop();
      },
    });
  };

  #consequence(count: number): string {
    const undo = msg("You can change this again at any time; what they missed stays missing.");
    if (count === 0) return msg("Nobody who is in the room now is shut out.");
    const people =
      count === 1
        ? msg("One person in the room is on a server that is shut out.")
        : msg(str`${count} people in the room are on servers that are shut out.`);
    return `${people} ${msg("They can no longer write, and see nothing new.")} ${undo}`;
  }

  #area(name: "allow" | "deny", label: string, hint: string, may: boolean) {
    return html`<div class="field">
      <label for=${name}>${label}</label>
      <textarea
        id=${name}
        rows="4"
        spellcheck="false"
        ?disabled=${!may}
        .value=${this.draft(name, this.#held[name].join("\n"))}
        aria-invalid=${this.isWrong(name)}
        aria-describedby=${this.described(name, `${name}-hint`)}
        @input=${(event: Event) => this.setDraft(name, (event.target as HTMLTextAreaElement).value)}
      ></textarea>
      <p class="hint" id="${name}-hint">${hint}</p>
      ${this.wrong(name)}
    </div>`;
  }

  override render() {
    const may = this.may("m.room.server_acl");
    return html`<form @submit=${this.#onSubmit} autocomplete="off">
      ${this.locked(may)}
      ${this.#area("allow", msg("Servers that may take part"), msg("One on each line; * stands for all."), may)}
      ${this.#area("deny", msg("Servers that may not, even so"), msg("One on each line, for instance *.example.org."), may)}
      <label class="choice">
        <input
          type="checkbox"
          .checked=${this.draft("literals", String(this.#held.literals)) === "true"}
          ?disabled=${!may}
          @change=${(event: Event) =>
            this.setDraft("literals", String((event.target as HTMLInputElement).checked))}
        />${msg("Servers that are named by an IP address may take part, too")}
      </label>
      ${may ? this.saveButtons() : ""}
    </form>`;
  }
}
