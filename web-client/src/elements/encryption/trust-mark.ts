import { css, html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import { UseClient } from "../../controllers/context.ts";
import { Watch } from "../../controllers/watch.ts";
import { base } from "../../styles/shared.ts";
import { trustLabel } from "../../text/encryption.ts";
import { icon } from "../icon.ts";

/** Beside a name: verified, or that the identity changed. Nothing where there is nothing to say. */
@customElement("weft-trust-mark")
export class WeftTrustMark extends LitElement {
  @property() userId = "";
  readonly #client = new UseClient(this);

  constructor() {
    super();
    new Watch(this, () => [this.#client.optional?.encryption.trust.user(this.userId)]);
  }

  static override styles = [
    base,
    css`
      :host {
        display: inline-flex;
        flex: none;
        font-size: 0.85em;
      }
      .good {
        color: var(--good);
      }
      .bad {
        color: var(--danger);
      }
      span {
        display: inline-flex;
      }
    `,
  ];

  override render() {
    const trust = this.#client.optional?.encryption.trust.user(this.userId).get() ?? "unknown";
    const bad = trust === "changed" || trust === "violated";
    if (trust !== "verified" && !bad) return nothing;
    const label = trustLabel(trust);
    return html`<span class=${bad ? "bad" : "good"} role="img" aria-label=${label} title=${label}
      >${icon(bad ? "shieldAlert" : "shieldCheck")}</span
    >`;
  }
}
