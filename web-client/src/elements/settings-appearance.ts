import { msg } from "@lit/localize";
import { css, html, LitElement } from "lit";
import { customElement } from "lit/decorators.js";
import { Watch } from "../controllers/watch.ts";
import { $theme, setTheme, type Theme } from "../store/theme.ts";
import { base, forms } from "../styles/shared.ts";

/** Light, dark, or as the system has it. */
@customElement("weft-settings-appearance")
export class WeftSettingsAppearance extends LitElement {
  constructor() {
    super();
    new Watch(this, () => [$theme]);
  }

  static override styles = [
    base,
    forms,
    css`
      fieldset {
        display: grid;
        gap: var(--space-3);
        margin: 0;
        padding: 0;
        border: 0;
      }
      legend {
        margin-bottom: var(--space-3);
        font-weight: 550;
      }
    `,
  ];

  override render() {
    const names: Record<Theme, string> = {
      system: msg("As my system has it"),
      light: msg("Light"),
      dark: msg("Dark"),
    };
    return html`<fieldset>
      <legend>${msg("Colours")}</legend>
      ${(Object.keys(names) as Theme[]).map(
        (theme) =>
          html`<label class="choice">
            <input
              type="radio"
              name="theme"
              ?checked=${$theme.get() === theme}
              @change=${() => setTheme(theme)}
            />
            ${names[theme]}
          </label>`,
      )}
    </fieldset>`;
  }
}
