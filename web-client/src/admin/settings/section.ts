import { msg } from "@lit/localize";
import { css, html, LitElement, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { createServerAdmin, type SettingInForce, type Settings } from "../../api/admin/server.ts";
import type { Client } from "../../store/client.ts";
import { base, buttons, forms } from "../../styles/shared.ts";
import { count, facts, moment, tags } from "../parts/facts.ts";
import { Loaded } from "../parts/loaded.ts";
import { adminStyles } from "../parts/styles.ts";
import { grouped, type Group } from "./groups.ts";

/** A value as it would stand in the file. */
function valueText(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? "[]" : value.map(valueText).join(", ");
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** The configuration as it is in force: by what it is about, secrets hidden. */
@customElement("weft-admin-settings")
export class WeftAdminSettings extends LitElement {
  @property({ attribute: false }) client!: Client;
  @state() private term = "";
  @state() private isOnlySet = false;
  readonly #settings = new Loaded<Settings>(this, (signal) =>
    createServerAdmin(this.client.api.http).settings(signal),
  );

  static override styles = [
    base,
    buttons,
    forms,
    adminStyles,
    css`
      .tools {
        display: flex;
        flex-wrap: wrap;
        align-items: flex-end;
        gap: var(--space-3) var(--space-5);
        margin-bottom: var(--space-4);
      }
      .tools .term {
        flex: 1 1 240px;
        color: var(--muted);
        font-weight: 400;
      }
      .tools .choice {
        min-height: 40px;
        margin: 0;
      }
      .settings {
        margin: 0;
        border: 1px solid var(--line);
        border-radius: var(--radius-big);
        background: var(--raised);
      }
      .setting {
        display: grid;
        grid-template-columns: minmax(0, 3fr) minmax(0, 2fr);
        gap: var(--space-1) var(--space-4);
        padding: var(--space-3) var(--space-4);
      }
      .setting + .setting {
        border-top: 1px solid var(--line);
      }
      .setting :is(dt, dd) {
        margin: 0;
        min-width: 0;
        overflow-wrap: anywhere;
      }
      dt code {
        font-weight: 600;
      }
      .about {
        margin: 2px 0 0;
        color: var(--muted);
        font-size: 0.87em;
      }
      .setting dd {
        text-align: end;
      }
      .unset {
        color: var(--muted);
      }
      .default {
        margin: 2px 0 0;
        color: var(--muted);
        font-size: 0.83em;
      }
      @media (max-width: 560px) {
        .setting {
          grid-template-columns: minmax(0, 1fr);
        }
        .setting dd {
          text-align: start;
        }
      }
    `,
  ];

  override firstUpdated(): void {
    void this.#settings.load();
  }

  #value({ value, is_hidden: isHidden, is_set: isSet, default: usual }: SettingInForce) {
    if (isHidden)
      return isSet
        ? html`<span class="unset">${msg("Set, and hidden")}</span>`
        : html`<span class="unset">${msg("Not set")}</span>`;
    const shown =
      value === null
        ? html`<span class="unset">${msg("Not set")}</span>`
        : html`<code>${valueText(value)}</code>`;
    const differs = isSet && JSON.stringify(value) !== JSON.stringify(usual);
    return html`${shown}
    ${
      differs && usual !== null
        ? html`<p class="default">${msg("By default:")} <code>${valueText(usual)}</code></p>`
        : nothing
    }`;
  }

  #setting(setting: SettingInForce) {
    return html`<div class="setting">
      <dt>
        <code title=${setting.variable}>${setting.name}</code>
        ${tags([setting.is_set && [msg("Set")], setting.is_live && [msg("Live"), "quiet"]])}
        <p class="about">${setting.description}</p>
      </dt>
      <dd>${this.#value(setting)}</dd>
    </div>`;
  }

  #group({ name, settings }: Group) {
    return html`<section aria-label=${name}>
      <h3>${name}</h3>
      <dl class="settings">${settings.map((setting) => this.#setting(setting))}</dl>
    </section>`;
  }

  #matches({ name, variable, description, is_set: isSet }: SettingInForce): boolean {
    const term = this.term.trim().toLowerCase();
    if (this.isOnlySet && !isSet) return false;
    return [name, variable, description].some((text) => text.toLowerCase().includes(term));
  }

  #all({ settings, read_ts: read }: Settings) {
    const shown = settings.filter((setting) => this.#matches(setting));
    const set = settings.filter(({ is_set: isSet }) => isSet).length;
    return html`${facts([
        [msg("Last read"), moment(read)],
        [msg("Set by you"), count(set)],
        [msg("At their defaults"), count(settings.length - set)],
      ])}
      <div class="tools" role="search">
        <label class="term"
          >${msg("Name or description")}<input
            type="search"
            spellcheck="false"
            autocomplete="off"
            @input=${(event: Event) => (this.term = (event.target as HTMLInputElement).value)}
        /></label>
        <label class="choice"
          ><input
            type="checkbox"
            .checked=${this.isOnlySet}
            @change=${(event: Event) => (this.isOnlySet = (event.target as HTMLInputElement).checked)}
          />${msg("Only what is set")}</label
        >
      </div>
      ${shown.length === 0 ? html`<p class="hint" role="status">${msg("No setting matches.")}</p>` : nothing}
      ${grouped(shown).map((group) => this.#group(group))}`;
  }

  override render() {
    return html`<div class="bar"><h2>${msg("Configuration")}</h2></div>
      <p class="hint">
        ${msg("As it is in force in the process that answers. It is changed in the configuration file or the environment. What is live holds once the file is read again (weft reload); all else at the next start.")}
      </p>
      ${this.#settings.show((settings: Settings) => this.#all(settings))}`;
  }
}
