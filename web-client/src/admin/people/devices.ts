import { msg, str } from "@lit/localize";
import { html, LitElement, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { createUsersAdmin, type AdministeredDevice } from "../../api/admin/users.ts";
import type { Client } from "../../store/client.ts";
import { openDialog } from "../../store/dialogs.ts";
import { toast } from "../../store/toasts.ts";
import { base, buttons } from "../../styles/shared.ts";
import { plainName } from "../../text/names.ts";
import { count, moment, tags } from "../parts/facts.ts";
import "../parts/list.ts";
import type { WeftAdminList } from "../parts/list.ts";
import { ofWhole, type Listing, type Wish } from "../parts/listing.ts";
import { adminStyles } from "../parts/styles.ts";

const nameOf = (device: AdministeredDevice): string =>
  plainName(device.display_name) ?? device.device_id;

/** Where a user is signed in, and signing out there. */
@customElement("weft-admin-devices")
export class WeftAdminDevices extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property() userId = "";
  @state() private devices: readonly AdministeredDevice[] = [];
  @query("weft-admin-list") private list!: WeftAdminList;

  static override styles = [base, buttons, adminStyles];

  async #load(wish: Wish, signal: AbortSignal) {
    const { devices } = await createUsersAdmin(this.client.api.http).devices(this.userId, signal);
    this.devices = devices;
    const found = devices.toSorted((a, b) => (b.last_seen_ts ?? 0) - (a.last_seen_ts ?? 0));
    return ofWhole(wish, found);
  }

  #signOut(devices: readonly AdministeredDevice[]): void {
    const [one] = devices;
    if (one === undefined) return;
    openDialog({
      kind: "act",
      act: {
        heading: msg("Sign out"),
        text:
          devices.length === 1
            ? msg(str`${this.userId} is signed out on “${nameOf(one)}”.`)
            : msg(str`${this.userId} is signed out on ${count(devices.length)} devices.`),
        undo: msg(
          "This cannot be undone: they have to sign in again, and encrypted messages without a backup are lost with a device.",
        ),
        action: msg("Sign out"),
        isDanger: true,
        run: async () => {
          const users = createUsersAdmin(this.client.api.http);
          await users.deleteDevices(
            this.userId,
            devices.map(({ device_id: id }) => id),
          );
          toast(
            devices.length === 1
              ? msg("The device was signed out.")
              : msg("The devices were signed out."),
          );
          void this.list.reload();
        },
      },
    });
  }

  #listing(): Listing<AdministeredDevice> {
    return {
      label: msg("Devices"),
      empty: msg("They are signed in nowhere."),
      columns: [
        {
          label: msg("Device"),
          cell: (device) =>
            html`<span class="name">${nameOf(device)}</span> ${tags([
                device.dehydrated === true && [msg("Kept by the server"), "quiet"],
              ])}<br /><span class="id">${device.device_id}</span>`,
        },
        { label: msg("From"), cell: (device) => device.last_seen_ip ?? "–" },
        { label: msg("Program"), cell: (device) => plainName(device.last_seen_user_agent) ?? "–" },
        {
          label: msg("Last seen"),
          isNumber: true,
          cell: (device) => moment(device.last_seen_ts),
        },
      ],
      keyOf: (device) => device.device_id,
      nameOf,
      menu: (device) => [
        {
          label: msg("Sign out"),
          icon: "logOut",
          danger: true,
          run: () => this.#signOut([device]),
        },
      ],
      load: (wish, signal) => this.#load(wish, signal),
    };
  }

  override render() {
    return html`<weft-admin-list .listing=${this.#listing()}></weft-admin-list> ${
        this.devices.length > 1
          ? html`<button type="button" class="button" @click=${() => this.#signOut(this.devices)}>
              ${msg("Sign out everywhere")}
            </button>`
          : nothing
      }`;
  }
}
