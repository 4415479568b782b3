import { css, html, LitElement, nothing, svg, type PropertyValues } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { report } from "../../store/toasts.ts";
import { encodeQr } from "../../text/qr.ts";

/** The dark squares as one path, a stroke for each stretch of them. */
function pathOf(rows: readonly boolean[][]): string {
  return rows
    .flatMap((row, y) =>
      row.flatMap((dark, x) => {
        if (!dark || row[x - 1] === true) return [];
        const end = row.indexOf(false, x);
        return [`M${x} ${y}h${(end < 0 ? row.length : end) - x}v1H${x}z`];
      }),
    )
    .join("");
}

/** Bytes as a QR code: dark on white in every theme, as cameras want it. */
@customElement("weft-qr-code")
export class WeftQrCode extends LitElement {
  @property({ attribute: false }) bytes: Uint8Array | undefined;
  @property() label = "";
  @state() private rows: boolean[][] | undefined;

  static override styles = css`
    :host {
      display: block;
      width: 100%;
      aspect-ratio: 1;
    }
    svg {
      display: block;
      width: 100%;
      height: 100%;
      border-radius: var(--radius);
      background: #fff;
    }
  `;

  override willUpdate(changed: PropertyValues<this>): void {
    const { bytes } = this;
    if (!changed.has("bytes") || bytes === undefined) return;
    encodeQr(bytes).then((rows) => {
      if (bytes === this.bytes) this.rows = rows;
    }, report);
  }

  override render() {
    const { rows } = this;
    if (rows === undefined) return nothing;
    return html`<svg
      viewBox="0 0 ${rows.length} ${rows.length}"
      shape-rendering="crispEdges"
      role="img"
      aria-label=${this.label}
    >
      ${svg`<path d=${pathOf(rows)} fill="#000"></path>`}
    </svg>`;
  }
}
