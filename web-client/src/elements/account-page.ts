import { msg } from "@lit/localize";
import { html, LitElement, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { createAuthApi } from "../api/auth.ts";
import { createHttp } from "../api/http.ts";
import { base, buttons } from "../styles/shared.ts";

/** A link to the page of the server on which people manage their account, for who has signed in by OAuth. */
@customElement("weft-account-page")
export class WeftAccountPage extends LitElement {
  /** What is to be done there, such as `org.matrix.devices_list`. */
  @property() action = "org.matrix.profile";
  /** With which device. */
  @property() device: string | undefined;
  @state() private address: string | undefined;

  static override styles = [base, buttons];

  override firstUpdated(): void {
    createAuthApi(createHttp(""), "")
      .oauth()
      .then(
        ({ account_management_uri: address }) => (this.address = address),
        () => undefined,
      );
  }

  /** An address of strangers’ making is none that runs anything here. */
  #href(): string | undefined {
    const url = this.address === undefined ? null : URL.parse(this.address);
    if (url === null || !/^https?:$/.test(url.protocol)) return undefined;
    url.searchParams.set("action", this.action);
    if (this.device !== undefined) url.searchParams.set("device_id", this.device);
    return url.href;
  }

  override render() {
    const href = this.#href();
    if (href === undefined) return nothing;
    return html`<a class="button" href=${href} target="_blank" rel="noopener">
      ${msg("Open the account page")}
    </a>`;
  }
}
