import { msg, str } from "@lit/localize";
import { html, nothing, type PropertyValues } from "lit";
import { customElement, query, state } from "lit/decorators.js";
import { ApiError } from "../../api/errors.ts";
import { strings, type EventContent } from "../../api/types.ts";
import { serverOf } from "../../store/actions.ts";
import { openDialog } from "../../store/dialogs.ts";
import { plainText } from "../../text/names.ts";
import { RoomSettingsSection } from "./section.ts";

/** Bytes of an identifier. */
const MAX_ALIAS = 255;

/** A room's addresses: those that our server keeps, and which of all is the main one. */
@customElement("weft-room-addresses")
export class WeftRoomAddresses extends RoomSettingsSection {
  @state() private local: readonly string[] | undefined;
  @query("#alias") private input!: HTMLInputElement;
  @query("#other-alias") private other!: HTMLInputElement;

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("roomId")) void this.#load();
  }

  async #load(): Promise<void> {
    this.local = await this.client.api.directory.aliases(this.roomId).catch(() => []);
  }

  get #main(): string {
    return this.held("m.room.canonical_alias", "alias");
  }

  get #others(): string[] {
    return strings(this.content("m.room.canonical_alias"), "alt_aliases");
  }

  #publish(main: string, others: readonly string[]): Promise<unknown> {
    const content: EventContent<"m.room.canonical_alias"> = {};
    if (main !== "") content.alias = main;
    const rest = [...new Set(others)].filter((alias) => alias !== main);
    if (rest.length > 0) content.alt_aliases = rest;
    return this.client.api.rooms.setState(this.roomId, "m.room.canonical_alias", content);
  }

  protected override check(name: string, value: string): string {
    if (value === "") return "";
    if (name === "alias" && /[\s:#]/.test(value)) {
      return msg("An address has no spaces, colons or further # in it.");
    }
    if (name === "other-alias" && !/^#[^\s:]+:\S+$/.test(value)) {
      return msg("A whole address looks like #room:example.org.");
    }
    return new TextEncoder().encode(value).length > MAX_ALIAS - 2
      ? msg("This address is too long.")
      : "";
  }

  #full(name: string): string {
    return `#${name}:${serverOf(this.client.session.userId)}`;
  }

  readonly #onAdd = async (event: Event): Promise<void> => {
    event.preventDefault();
    const name = this.draft("alias", "").trim().replace(/^#/, "").split(":")[0]!;
    if (name === "" || this.check("alias", name) !== "") return;
    const alias = this.#full(name);
    const done = await this.attempt("alias", async () => {
      try {
        await this.client.api.directory.addAlias(alias, this.roomId);
      } catch (error) {
        if (!(error instanceof ApiError) || error.status !== 409) throw error;
        throw new ApiError(409, { errcode: "M_ROOM_IN_USE" });
      }
      if (this.#main === "" && this.may("m.room.canonical_alias")) {
        await this.#publish(alias, this.#others);
      }
    });
    if (!done) return;
    this.drop("alias");
    this.input.value = "";
    await this.#load();
  };

  /** Names an address that another server keeps: it has to lead here. */
  readonly #onOther = async (event: Event): Promise<void> => {
    event.preventDefault();
    const alias = this.draft("other-alias", "").trim();
    if (alias === "" || this.check("other-alias", alias) !== "") return;
    const found = await this.client.api.rooms.resolveAlias(alias).catch(() => undefined);
    if (found?.room_id !== this.roomId) {
      this.setProblem("other-alias", msg("This address does not lead to this room."));
      return;
    }
    const publish = () => this.#publish(this.#main, [...this.#others, alias]);
    if (await this.attempt("other-alias", publish)) {
      this.drop("other-alias");
      this.other.value = "";
    }
  };

  #remove(alias: string): void {
    const isOurs = this.local?.includes(alias) === true;
    openDialog({
      kind: "confirm",
      heading: msg(str`Remove ${plainText(alias)}?`),
      text: msg(
        "Links with this address no longer lead here, and someone else may take it. You can add it again while it is free.",
      ),
      action: msg("Remove"),
      danger: true,
      run: async () => {
        const isNamed = alias === this.#main || this.#others.includes(alias);
        if (isNamed && this.may("m.room.canonical_alias")) {
          const main = alias === this.#main ? "" : this.#main;
          await this.#publish(
            main,
            this.#others.filter((one) => one !== alias),
          );
        }
        if (isOurs) await this.client.api.directory.removeAlias(alias);
        await this.#load();
      },
    });
  }

  #line(alias: string, may: boolean) {
    const isMain = alias === this.#main;
    const make = (): void =>
      void this.attempt(
        "list",
        () => this.#publish(alias, [...this.#others, ...(this.#main === "" ? [] : [this.#main])]),
        msg("Saved."),
      );
    return html`<li>
      <span class="grow">${plainText(alias)}</span>
      ${
        isMain
          ? html`<span class="muted">${msg("Main address")}</span>`
          : html`<button
              type="button"
              class="button small"
              aria-label=${msg(str`Make main: ${plainText(alias)}`)}
              ?disabled=${!may || this.busy}
              @click=${make}
            >
              ${msg("Make main")}
            </button>`
      }
      <button
        type="button"
        class="button small"
        aria-label=${msg(str`Remove ${plainText(alias)}`)}
        ?disabled=${this.busy || (!may && this.local?.includes(alias) !== true)}
        @click=${() => this.#remove(alias)}
      >
        ${msg("Remove")}
      </button>
    </li>`;
  }

  #adding(name: "alias" | "other-alias", label: string, placeholder: string) {
    return html`<form
      class="field"
      @submit=${name === "alias" ? this.#onAdd : this.#onOther}
      autocomplete="off"
    >
      <label for=${name}>${label}</label>
      <div class="row">
        <input
          id=${name}
          spellcheck="false"
          autocapitalize="none"
          placeholder=${placeholder}
          aria-invalid=${this.isWrong(name)}
          aria-describedby=${this.described(name)}
          @input=${(event: Event) => this.setDraft(name, (event.target as HTMLInputElement).value.trim())}
        />
        <button
          type="submit"
          class="button"
          ?disabled=${this.busy || this.draft(name, "") === "" || this.check(name, this.draft(name, "")) !== ""}
        >
          ${msg("Add")}
        </button>
      </div>
      ${this.wrong(name)}
    </form>`;
  }

  override render() {
    const may = this.may("m.room.canonical_alias");
    const all = [...new Set([this.#main, ...this.#others, ...(this.local ?? [])])];
    const shown = all.filter((alias) => alias !== "");
    return html`<p class="muted">
        ${msg("People find the room by its addresses. The main one is shown to them and stands in links.")}
      </p>
      ${
        this.local === undefined
          ? html`<p role="status">${msg("Looking…")}</p>`
          : shown.length === 0
            ? html`<p class="muted">${msg("The room has no address yet.")}</p>`
            : html`<ul class="list" aria-label=${msg("Addresses")}>
                ${shown.map((alias) => this.#line(alias, may))}
              </ul>`
      }
      ${this.wrong("list")}
      ${this.#adding("alias", msg(str`New address on ${serverOf(this.client.session.userId)}`), "my-room")}
      ${may ? this.#adding("other-alias", msg("An address that another server keeps"), "#room:example.org") : nothing}`;
  }
}
