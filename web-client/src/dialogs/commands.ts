import { msg } from "@lit/localize";
import { css, html, LitElement } from "lit";
import { customElement } from "lit/decorators.js";
import { allCommands } from "../store/commands.ts";
import { base } from "../styles/shared.ts";
import "../elements/dialog.ts";

/** What can be written at the beginning of a message, and what it does. */
@customElement("weft-commands")
export class WeftCommands extends LitElement {
  static override styles = [
    base,
    css`
      dl {
        display: grid;
        gap: var(--space-3);
        margin: 0;
      }
      dt {
        font-family: var(--mono);
        font-size: 0.95em;
      }
      dt i {
        color: var(--muted);
        font: 0.95em var(--font);
      }
      dd {
        margin: 2px 0 0;
        color: var(--muted);
      }
      p {
        color: var(--muted);
      }
    `,
  ];

  override render() {
    return html`<weft-dialog heading=${msg("Commands")}>
      <p>
        ${msg("Write one of these at the beginning of a message. To send a slash itself, write it twice.")}
      </p>
      <dl tabindex="0" autofocus>
        ${allCommands().map(
          ({ name, args, help }) =>
            html`<div>
              <dt>/${name} <i>${args}</i></dt>
              <dd>${help}</dd>
            </div>`,
        )}
      </dl>
    </weft-dialog>`;
  }
}
