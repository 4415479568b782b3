import { msg } from "@lit/localize";
import { css, html, LitElement } from "lit";
import { customElement } from "lit/decorators.js";
import { Watch } from "../controllers/watch.ts";
import { chooseLanguage, chosenLanguage, LANGUAGES } from "../store/language.ts";
import {
  $contrast,
  $density,
  $theme,
  setContrast,
  setDensity,
  setTheme,
  type Contrast,
  type Density,
  type Theme,
} from "../store/theme.ts";
import { choiceGroups } from "../styles/settings.ts";
import { base, forms } from "../styles/shared.ts";

/** A language's name in itself. */
function nameOf(tag: string): string {
  return new Intl.DisplayNames([tag], { type: "language" }).of(tag) ?? tag;
}

/** Light, dark, or as the system has it; contrast, spacing and language. */
@customElement("weft-settings-appearance")
export class WeftSettingsAppearance extends LitElement {
  constructor() {
    super();
    new Watch(this, () => [$theme, $contrast, $density]);
  }

  static override styles = [
    base,
    forms,
    choiceGroups,
    css`
      select {
        max-width: 320px;
      }
    `,
  ];

  #language() {
    const chosen = chosenLanguage() ?? "";
    return html`<div class="field">
      <label for="language">${msg("Language")}</label>
      <select
        id="language"
        @change=${(event: Event) => chooseLanguage((event.target as HTMLSelectElement).value || undefined)}
      >
        <option value="" ?selected=${chosen === ""}>${msg("The browser’s language")}</option>
        ${LANGUAGES.map(
          (tag) =>
            html`<option value=${tag} lang=${tag} ?selected=${chosen === tag}>
              ${nameOf(tag)}
            </option>`,
        )}
      </select>
    </div>`;
  }

  #choices<Value extends string>(
    legend: string,
    names: Record<Value, string>,
    current: Value,
    choose: (value: Value) => void,
  ) {
    return html`<fieldset>
      <legend>${legend}</legend>
      ${(Object.keys(names) as Value[]).map(
        (value) =>
          html`<label class="choice">
            <input
              type="radio"
              name=${legend}
              .checked=${current === value}
              @change=${() => choose(value)}
            />
            ${names[value]}
          </label>`,
      )}
    </fieldset>`;
  }

  #looks() {
    const themes: Record<Theme, string> = {
      system: msg("Use the system setting"),
      light: msg("Light"),
      dark: msg("Dark"),
    };
    const contrasts: Record<Contrast, string> = {
      system: msg("Use the system setting"),
      more: msg("High"),
    };
    const densities: Record<Density, string> = { roomy: msg("Roomy"), compact: msg("Compact") };
    return html`${this.#choices(msg("Colours"), themes, $theme.get(), setTheme)}
    ${this.#choices(msg("Contrast"), contrasts, $contrast.get(), setContrast)}
    ${this.#choices(msg("Spacing"), densities, $density.get(), setDensity)}`;
  }

  override render() {
    return html`${this.#looks()} ${this.#language()}`;
  }
}
