import { msg, str } from "@lit/localize";
import { html, nothing, type TemplateResult } from "lit";
import { customElement, query } from "lit/decorators.js";
import { object } from "../../api/types.ts";
import { openDialog } from "../../store/dialogs.ts";
import {
  levelOf,
  lockoutOf,
  PERMISSIONS,
  withLevels,
  type LevelChanges,
  type Lockout,
  type Permission,
} from "../../store/permissions.ts";
import { CREATOR_POWER, powerOf } from "../../store/power.ts";
import { isSpace } from "../../store/room-features.ts";
import { plainText } from "../../text/names.ts";
import { roleName } from "../../text/roles.ts";
import { permissionName } from "./permission-names.ts";
import { RoomSettingsSection } from "./section.ts";
import "../avatar.ts";

/** The levels that have names of their own. */
const NAMED = [100, 50, 0] as const;
const MAX_LEVEL = 2 ** 31;

/** Who may do what: the levels of people, and those that actions ask for. */
@customElement("weft-room-roles")
export class WeftRoomRoles extends RoomSettingsSection {
  @query("#new-person") private newPerson!: HTMLInputElement;

  get #levels() {
    return this.content("m.room.power_levels");
  }

  get #own(): number {
    return powerOf(this.room, this.client.session.userId);
  }

  protected override check(_name: string, value: string): string {
    const level = Number(value);
    if (value.trim() === "" || !Number.isInteger(level) || Math.abs(level) > MAX_LEVEL) {
      return msg("A level is a whole number, for instance 50.");
    }
    if (level > this.#own) return msg(str`You cannot give more than your own level, ${this.#own}.`);
    return "";
  }

  #changes(): LevelChanges {
    const users = new Map<string, number>();
    const permissions = new Map<Permission, number>();
    for (const [name, value] of Object.entries(this.drafts)) {
      const permission = Object.values(PERMISSIONS)
        .flat()
        .find(({ key }) => key === name);
      if (name.startsWith("@")) users.set(name, Number(value));
      else if (permission !== undefined) permissions.set(permission, Number(value));
    }
    return { users, permissions };
  }

  readonly #onSubmit = (event: Event): void => {
    event.preventDefault();
    if (!this.isSound) return;
    const next = withLevels(this.#levels, this.#changes());
    const lockout = lockoutOf(this.room, this.client.session.userId, next);
    const save = () => this.client.api.rooms.setState(this.roomId, "m.room.power_levels", next);
    if (!lockout.falls && !lockout.self && !lockout.everyone) {
      void this.attempt("", save, msg("Saved.")).then((done) => done && this.drop());
      return;
    }
    openDialog({
      kind: "confirm",
      heading: msg("Give up your own rights?"),
      text: lockoutText(lockout),
      action: msg("Save all the same"),
      danger: true,
      run: async () => {
        await save();
        this.drop();
      },
    });
  };

  /** A level in words and, where it is another, as a number. */
  #level(name: string, value: number, label: string, may: boolean): TemplateResult {
    const draft = this.drafts[name];
    const current = draft === undefined ? value : Number(draft);
    const isOther = draft !== undefined && (this.isWrong(name) || !isNamed(current));
    const choose = (event: Event): void => {
      const chosen = (event.target as HTMLSelectElement).value;
      this.setDraft(name, chosen === "other" ? "" : chosen);
    };
    return html`<select
        aria-label=${label}
        ?disabled=${!may}
        style="width:auto;max-width:220px"
        @change=${choose}
      >
        ${[...new Set([...NAMED, ...(isNamed(value) ? [] : [value])])].map(
          (level) =>
            html`<option
              value=${level}
              ?selected=${!isOther && level === current}
              ?disabled=${level > this.#own && level !== value}
            >
              ${roleName(level)} (${level})
            </option>`,
        )}
        <option value="other" ?selected=${isOther}>${msg("Another level…")}</option>
      </select>
      ${
        isOther
          ? html`<input
              type="number"
              style="width:110px"
              aria-label=${msg(str`${label}, as a number`)}
              aria-invalid=${this.isWrong(name)}
              aria-describedby=${this.described(name)}
              .value=${draft}
              @input=${(event: Event) => this.setDraft(name, (event.target as HTMLInputElement).value)}
            />`
          : nothing
      }
      ${this.wrong(name)}`;
  }

  #person(userId: string, may: boolean) {
    const { room } = this;
    const level = powerOf(room, userId);
    const name = room.displayName(userId);
    const isMe = userId === this.client.session.userId;
    const canChange = may && (isMe || level < this.#own);
    return html`<li>
      <weft-avatar
        seed=${userId}
        name=${name}
        .mxc=${room.member(userId)?.avatarUrl}
        size="32"
      ></weft-avatar>
      <span class="grow">${name}<br /><span class="muted">${plainText(userId)}</span></span>
      ${
        level === CREATOR_POWER
          ? html`<span class="muted">${msg("Creator: may do everything, always")}</span>`
          : this.#level(userId, level, msg(str`Role of ${name}`), canChange)
      }
    </li>`;
  }

  readonly #onAdd = (): void => {
    const typed = this.newPerson.value.trim();
    const known = this.room
      .members("join", "invite")
      .find(({ userId }) => userId === typed || this.room.displayName(userId) === typed);
    const userId = known?.userId ?? (/^@[^:\s]+:\S+$/.test(typed) ? typed : undefined);
    if (userId === undefined) {
      this.setProblem(
        "new-person",
        msg("Nobody here has this name. Choose someone from the list."),
      );
      return;
    }
    this.setProblem("new-person", "");
    this.newPerson.value = "";
    this.setDraft(userId, "50");
  };

  #people(may: boolean) {
    const { room } = this;
    const creators = room
      .members("join")
      .filter(({ userId }) => powerOf(room, userId) === CREATOR_POWER);
    const named = Object.keys(object(this.#levels, "users") ?? {});
    const drafted = Object.keys(this.drafts).filter((name) => name.startsWith("@"));
    const all = [...new Set([...creators.map(({ userId }) => userId), ...named, ...drafted])];
    const sorted = all.toSorted((a, b) => powerOf(room, b) - powerOf(room, a) || (a < b ? -1 : 1));
    return html`<h2>${msg("People with a role")}</h2>
      <ul class="list">
        ${sorted.map((userId) => this.#person(userId, may))}
      </ul>
      ${
        may
          ? html`<div class="field">
              <label for="new-person">${msg("Give someone a role")}</label>
              <div class="row">
                <input
                  id="new-person"
                  list="members"
                  spellcheck="false"
                  aria-invalid=${this.isWrong("new-person")}
                  aria-describedby=${this.described("new-person")}
                />
                <button type="button" class="button" @click=${this.#onAdd}>${msg("Add")}</button>
              </div>
              <datalist id="members">
                ${room
                  .members("join")
                  .slice(0, 500)
                  .map(
                    ({ userId }) =>
                      html`<option value=${userId}>${room.displayName(userId)}</option>`,
                  )}
              </datalist>
              ${this.wrong("new-person")}
            </div>`
          : nothing
      }`;
  }

  #permissions(heading: string, permissions: readonly Permission[], may: boolean) {
    const shown = permissions.filter(({ key }) => isSpace(this.room) || key !== "m.space.child");
    return html`<h2>${heading}</h2>
      <ul class="list">
        ${shown.map((permission) => {
          const level = levelOf(this.#levels, permission);
          const name = permissionName(permission.key);
          return html`<li>
            <span class="grow">${name}</span>
            ${this.#level(permission.key, level, name, may && level <= this.#own)}
          </li>`;
        })}
      </ul>`;
  }

  override render() {
    const may = this.may("m.room.power_levels");
    return html`<form @submit=${this.#onSubmit} autocomplete="off" novalidate>
      ${this.locked(may)} ${this.#people(may)}
      ${this.#permissions(msg("With people"), PERMISSIONS.people, may)}
      ${isSpace(this.room) ? nothing : this.#permissions(msg("With messages"), PERMISSIONS.messages, may)}
      ${this.#permissions(msg("With the room"), PERMISSIONS.room, may)}
      ${may ? this.saveButtons() : nothing}
    </form>`;
  }
}

const isNamed = (level: number): boolean => (NAMED as readonly number[]).includes(level);

function lockoutText({ self, everyone }: Lockout): string {
  if (everyone) {
    return msg(
      "Afterwards nobody in the room could change roles any more, you included. This cannot be undone by anyone.",
    );
  }
  return self
    ? msg(
        "You would lose the right to change roles, and could not take this back. Someone who keeps that right would have to help you.",
      )
    : msg("Your own level falls. You could not raise it again by yourself.");
}
