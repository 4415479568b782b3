import { msg, str } from "@lit/localize";
import { html, nothing, type PropertyValues } from "lit";
import { customElement, state } from "lit/decorators.js";
import type { EventContent } from "../../api/types.ts";
import { serverOf } from "../../store/actions.ts";
import { admittingSpaces } from "../../store/leaving.ts";
import { joinRule } from "../../store/power.ts";
import { hasFeature, isSpace, type RoomFeature } from "../../store/room-features.ts";
import { readSpaces } from "../../store/spaces.ts";
import { type History, historyName, type Rule, ruleName } from "./access-names.ts";
import { RoomSettingsSection } from "./section.ts";

/** The rules that are offered, in order of openness, with what the room's version must know for it. */
const RULES: { rule: Rule; needs?: RoomFeature }[] = [
  { rule: "invite" },
  { rule: "knock", needs: "knock" },
  { rule: "restricted", needs: "restricted" },
  { rule: "knock_restricted", needs: "knock_restricted" },
  { rule: "public" },
];

const bySpaces = (rule: string): boolean => rule === "restricted" || rule === "knock_restricted";

/** Who may come in, who may read what was said before, and whether the room is listed. */
@customElement("weft-room-access")
export class WeftRoomAccess extends RoomSettingsSection {
  @state() private isListed: boolean | undefined;

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("roomId")) void this.#loadListing();
  }

  async #loadListing(): Promise<void> {
    this.isListed = undefined;
    const listing = await this.client.api.directory.listing(this.roomId).catch(() => undefined);
    this.isListed = listing === "public";
  }

  get #rule(): Rule {
    return this.draft("rule", joinRule(this.room)) as Rule;
  }

  get #spaces(): string[] {
    return this.draft("spaces", admittingSpaces(this.room).join(" "))
      .split(" ")
      .filter((one) => one !== "");
  }

  #joinRules(): EventContent<"m.room.join_rules"> {
    const rule = this.#rule;
    if (!bySpaces(rule)) return { join_rule: rule };
    const allow = this.#spaces.map((roomId) => ({ type: "m.room_membership", room_id: roomId }));
    return { join_rule: rule, allow };
  }

  readonly #onSubmit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const { rooms } = this.client.api;
    const { roomId } = this;
    if (bySpaces(this.#rule) && this.#spaces.length === 0) {
      this.setProblem("rule", msg("Choose at least one space, or another way in."));
      return;
    }
    if ("rule" in this.drafts || "spaces" in this.drafts) {
      const save = () => rooms.setState(roomId, "m.room.join_rules", this.#joinRules());
      if (await this.attempt("rule", save, msg("Saved."))) this.drop("rule", "spaces");
    }
    const history = this.drafts["history"] as History | undefined;
    if (history !== undefined) {
      const content = { history_visibility: history };
      const save = () => rooms.setState(roomId, "m.room.history_visibility", content);
      if (await this.attempt("history", save, msg("Saved."))) this.drop("history");
    }
    const guests = this.drafts["guests"] as "can_join" | "forbidden" | undefined;
    if (guests !== undefined) {
      const save = () => rooms.setState(roomId, "m.room.guest_access", { guest_access: guests });
      if (await this.attempt("guests", save, msg("Saved."))) this.drop("guests");
    }
  };

  #toggleSpace(roomId: string, on: boolean): void {
    const rest = this.#spaces.filter((one) => one !== roomId);
    this.setDraft("spaces", (on ? [...rest, roomId] : rest).join(" "));
    this.setProblem("rule", "");
  }

  /** The spaces one is in, and those that the room names already. */
  #spaceChoices(may: boolean) {
    const { store } = this.client;
    const chosen = this.#spaces;
    const known = readSpaces(store).all.filter(({ roomId }) => roomId !== this.roomId);
    const others = chosen.filter((id) => !known.some(({ roomId }) => roomId === id));
    const all = [
      ...known.map(({ roomId, name }) => [roomId, name] as const),
      ...others.map((id) => [id, id] as const),
    ];
    if (all.length === 0) {
      return html`<p class="hint">${msg("You are in no space yet. Create one first.")}</p>`;
    }
    return html`<div class="hint" role="group" aria-label=${msg("Spaces whose members may join")}>
      ${all.map(
        ([roomId, name]) =>
          html`<label class="choice">
            <input
              type="checkbox"
              .checked=${chosen.includes(roomId)}
              ?disabled=${!may}
              @change=${(event: Event) =>
                this.#toggleSpace(roomId, (event.target as HTMLInputElement).checked)}
            />${name}
          </label>`,
      )}
    </div>`;
  }

  #oneRule({ rule, needs }: (typeof RULES)[number], may: boolean) {
    const [name, hint] = ruleName(rule);
    const isKnown = needs === undefined || hasFeature(this.room, needs);
    const isChosen = this.#rule === rule;
    return html`<label class="choice">
        <input
          type="radio"
          name="rule"
          value=${rule}
          .checked=${isChosen}
          ?disabled=${!may || !isKnown}
          aria-describedby="hint-${rule}"
          @change=${() => this.setDraft("rule", rule)}
        />${name}
      </label>
      <p class="hint" id="hint-${rule}">
        ${isKnown ? hint : msg("The room’s version does not know this. An upgrade would.")}
      </p>
      ${isChosen && bySpaces(rule) ? this.#spaceChoices(may) : nothing}`;
  }

  #doors() {
    const may = this.may("m.room.join_rules");
    const isEncrypted = this.room.encryption !== undefined;
    return html`<fieldset>
      <legend>${msg("Who may join")}</legend>
      ${RULES.map((one) => this.#oneRule(one, may))}
      ${
        this.#rule === "public" && isEncrypted
          ? html`<p class="muted">
              ${msg("Everyone can join this room, so encryption keeps little secret here.")}
            </p>`
          : nothing
      }
      ${this.wrong("rule")}
    </fieldset>`;
  }

  #history() {
    const held = this.held("m.room.history_visibility", "history_visibility") || "shared";
    const value = this.draft("history", held);
    const choices: History[] = ["joined", "invited", "shared", "world_readable"];
    return html`<div class="field">
      <label for="history">${msg("Who may read what was said")}</label>
      <select
        id="history"
        ?disabled=${!this.may("m.room.history_visibility")}
        aria-describedby=${this.described("history", "history-hint")}
        @change=${(event: Event) =>
          this.setDraft("history", (event.target as HTMLSelectElement).value)}
      >
        ${choices.map(
          (one) =>
            html`<option value=${one} ?selected=${one === value}>${historyName(one)}</option>`,
        )}
      </select>
      <p class="hint" id="history-hint">
        ${msg("This counts for what is written from now on. What was written before stays as readable as it was.")}
      </p>
      ${this.wrong("history")}
    </div>`;
  }

  #guests() {
    const held = this.held("m.room.guest_access", "guest_access") || "forbidden";
    return html`<div class="field">
      <label class="choice">
        <input
          type="checkbox"
          .checked=${this.draft("guests", held) === "can_join"}
          ?disabled=${!this.may("m.room.guest_access")}
          @change=${(event: Event) =>
            this.setDraft(
              "guests",
              (event.target as HTMLInputElement).checked ? "can_join" : "forbidden",
            )}
        />${msg("Guests without an account may join")}
      </label>
      ${this.wrong("guests")}
    </div>`;
  }

  #listing() {
    const server = serverOf(this.client.session.userId);
    const toggle = (event: Event): void => {
      const box = event.target as HTMLInputElement;
      const isOn = box.checked;
      const { directory } = this.client.api;
      const work = () => directory.setListing(this.roomId, isOn ? "public" : "private");
      void this.attempt("listing", work, msg("Saved.")).then((done) => {
        if (done) this.isListed = isOn;
        else box.checked = !isOn;
      });
    };
    return html`<h2>${msg("Directory")}</h2>
      <label class="choice">
        <input
          type="checkbox"
          .checked=${this.isListed === true}
          ?disabled=${this.isListed === undefined || this.busy || !this.may("m.room.canonical_alias")}
          aria-describedby="listing-hint"
          @change=${toggle}
        />${msg(str`List it among the public rooms of ${server}`)}
      </label>
      <p class="hint" id="listing-hint">
        ${msg("Everyone can find its name, topic and picture there. This does not change who may join.")}
      </p>
      ${this.wrong("listing")}`;
  }

  override render() {
    const may = ["m.room.join_rules", "m.room.history_visibility", "m.room.guest_access"].some(
      (type) => this.may(type),
    );
    return html`<form @submit=${this.#onSubmit}>
        ${this.locked(may)} ${this.#doors()} ${isSpace(this.room) ? nothing : this.#history()}
        ${this.#guests()} ${may ? this.saveButtons() : nothing}
      </form>
      ${this.#listing()}`;
  }
}
