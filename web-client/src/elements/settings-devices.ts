import { msg, str } from "@lit/localize";
import { html, LitElement, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { ApiError } from "../api/errors.ts";
import type { Device } from "../api/types.ts";
import { NeedsProof, throughAuth, type Proofs } from "../api/uia.ts";
import { Watch } from "../controllers/watch.ts";
import type { DeviceTrust } from "../encryption/port.ts";
import type { Client } from "../store/client.ts";
import { openDialog } from "../store/dialogs.ts";
import { attempt, report, toast } from "../store/toasts.ts";
import { startVerification } from "../store/trust-actions.ts";
import { settingsDevicesStyles } from "../styles/settings-devices.ts";
import { base, buttons, forms } from "../styles/shared.ts";
import { fullTime, shortTime } from "../text/time.ts";
import "./account-page.ts";
import "./dialog.ts";
import { icon, type IconName } from "./icon.ts";
import "./menu.ts";
import type { MenuItem } from "./menu.ts";
import type { WeftPasswordField } from "./password-field.ts";
import "./password-field.ts";
import { plainName } from "../text/names.ts";

/** Where one is signed in: whether each device is verified, what it is called, and signing out there. */
@customElement("weft-settings-devices")
export class WeftSettingsDevices extends LitElement {
  @property({ attribute: false }) client!: Client;
  @state() private devices: Device[] = [];
  /** Devices that wait for the password to be signed out. */
  @state() private leaving: string[] | undefined;
  /** The device that is being renamed. */
  @state() private renaming: Device | undefined;
  @state() private busy = false;
  @state() private problem = "";
  @query("weft-password-field") private password!: WeftPasswordField;
  @query("#device-name") private nameField!: HTMLInputElement;

  constructor() {
    super();
    new Watch(this, () => {
      const encryption = this.client?.encryption;
      return [encryption?.$status, encryption?.trust.devices(this.client.session.userId)];
    });
  }

  static override styles = [base, buttons, forms, settingsDevicesStyles];

  override firstUpdated(): void {
    void this.#load();
  }

  async #load(): Promise<void> {
    const devices = (await attempt(() => this.client.api.account.devices())) ?? [];
    const own = this.client.session.deviceId;
    this.devices = devices.toSorted((a, b) => {
      if (a.device_id === own) return -1;
      return b.device_id === own ? 1 : (b.last_seen_ts ?? 0) - (a.last_seen_ts ?? 0);
    });
  }

  async #delete(devices: string[], proofs: Proofs): Promise<void> {
    // Who has signed in on a page of the server ends sessions there, and is back here then.
    if (this.client.session.oauth !== undefined) {
      this.leaving = devices;
      const back = (): void => {
        this.leaving = undefined;
        void this.#load();
      };
      window.addEventListener("focus", back, { once: true });
      return;
    }
    this.busy = true;
    try {
      await throughAuth(proofs, (auth) => this.client.api.account.deleteDevices(devices, auth));
      this.leaving = undefined;
      toast(
        devices.length === 1
          ? msg("The device was signed out.")
          : msg("The devices were signed out."),
      );
      await this.#load();
    } catch (error) {
      if (error instanceof NeedsProof && error.stage === "m.login.password") this.leaving = devices;
      else if (error instanceof ApiError && error.status === 401)
        this.problem = msg("This password is not right.");
      else report(error);
    }
    this.busy = false;
  }

  readonly #onPassword = (event: Event): void => {
    event.preventDefault();
    this.problem = "";
    const { userId } = this.client.session;
    void this.#delete(this.leaving ?? [], { password: { userId, password: this.password.value } });
  };

  readonly #onRename = async (event: Event): Promise<void> => {
    event.preventDefault();
    const device = this.renaming;
    const name = this.nameField.value.trim();
    if (device === undefined || name === "") return;
    this.busy = true;
    const done = await attempt(async () => {
      await this.client.api.account.renameDevice(device.device_id, name);
      return true;
    });
    this.busy = false;
    if (done === undefined) return;
    this.renaming = undefined;
    await this.#load();
  };

  #elsewhereWindow(devices: readonly string[]) {
    const [only] = devices;
    const isOne = devices.length === 1;
    return html`<weft-dialog
      heading=${msg("Sign out devices")}
      @dismiss=${() => (this.leaving = undefined)}
    >
      <p>${msg("You have signed in on a page of your server. There you sign out devices, too.")}</p>
      <weft-account-page
        action=${isOne ? "org.matrix.device_delete" : "org.matrix.devices_list"}
        .device=${isOne ? only : undefined}
      ></weft-account-page>
    </weft-dialog>`;
  }

  #passwordWindow() {
    if (this.leaving === undefined) return nothing;
    if (this.client.session.oauth !== undefined) return this.#elsewhereWindow(this.leaving);
    return html`<weft-dialog
      heading=${msg("Sign out devices")}
      @dismiss=${() => (this.leaving = undefined)}
    >
      <form @submit=${this.#onPassword}>
        <p>${msg("Your password, to be sure that it is you.")}</p>
        ${this.problem === "" ? nothing : html`<p class="problem" role="alert">${this.problem}</p>`}
        <weft-password-field
          label=${msg("Password")}
          @enter=${this.#onPassword}
        ></weft-password-field>
        <div class="actions">
          <button type="submit" class="button primary" ?disabled=${this.busy}>
            ${msg("Sign out")}
          </button>
        </div>
      </form>
    </weft-dialog>`;
  }

  #nameWindow() {
    const device = this.renaming;
    if (device === undefined) return nothing;
    const close = (): void => void (this.renaming = undefined);
    return html`<weft-dialog heading=${msg("Rename device")} @dismiss=${close}>
      <form @submit=${this.#onRename} autocomplete="off">
        <div class="field">
          <label for="device-name">${msg("Name")}</label>
          <input
            id="device-name"
            required
            autofocus
            maxlength="100"
            aria-describedby="device-name-hint"
            .value=${device.display_name ?? ""}
          />
          <p class="hint" id="device-name-hint">
            ${msg("People whom you write to can see this name.")}
          </p>
        </div>
        <div class="actions">
          <button type="button" class="button" @click=${close}>${msg("Cancel")}</button>
          <button type="submit" class="button primary" ?disabled=${this.busy}>
            ${msg("Rename")}
          </button>
        </div>
      </form>
    </weft-dialog>`;
  }

  #trustOf(deviceId: string): DeviceTrust | undefined {
    const { session, encryption } = this.client;
    return encryption.trust
      .devices(session.userId)
      .get()
      ?.find((device) => device.deviceId === deviceId);
  }

  /** In words what encryption knows of a device; undefined where encryption does not work here. */
  #trust(device: Device): { label: string; sign: IconName; kind: string } | undefined {
    const { engine, crossSigning } = this.client.encryption.$status.get();
    if (engine !== "ready" || !crossSigning.exists) return undefined;
    const trust = this.#trustOf(device.device_id);
    if (trust === undefined)
      return { label: msg("Cannot read encrypted messages"), sign: "device", kind: "" };
    return trust.isSigned
      ? { label: msg("Verified"), sign: "shieldCheck", kind: "good" }
      : { label: msg("Not verified"), sign: "shieldAlert", kind: "bad" };
  }

  #menu(device: Device, isHere: boolean): MenuItem[] {
    const items: MenuItem[] = [
      { label: msg("Rename"), icon: "pencil", run: () => (this.renaming = device) },
    ];
    const trust = this.#trustOf(device.device_id);
    const { crossSigning, device: own } = this.client.encryption.$status.get();
    if (isHere && crossSigning.exists && !own.isVerified) {
      items.push({
        label: msg("Verify"),
        icon: "shieldCheck",
        run: () => openDialog({ kind: "verify-device" }),
      });
    } else if (!isHere && trust?.isSigned === false && own.isVerified) {
      const { userId } = this.client.session;
      items.push({
        label: msg("Verify"),
        icon: "shieldCheck",
        run: () => void startVerification(this.client, userId, device.device_id),
      });
    }
    items.push({
      label: msg("Sign out"),
      icon: "logOut",
      danger: true,
      run: () =>
        isHere ? openDialog({ kind: "sign-out" }) : void this.#delete([device.device_id], {}),
    });
    return items;
  }

  #one(device: Device) {
    const isHere = device.device_id === this.client.session.deviceId;
    const name = plainName(device.display_name) ?? device.device_id;
    const seen = device.last_seen_ts;
    const trust = this.#trust(device);
    return html`<li>
      <span class="sign ${trust?.kind ?? ""}">${icon(trust?.sign ?? "device")}</span>
      <span class="about">
        <span class="name"
          ><span class="ellipsis">${name}</span>
          ${isHere ? html`<span class="here">${msg("This device")}</span>` : nothing}</span
        >
        <span class="more">
          ${trust === undefined ? nothing : html`<span class=${trust.kind}>${trust.label}</span>`}
          ${seen == null ? nothing : html`<time title=${fullTime(seen)}>${msg(str`Last seen ${shortTime(seen)}`)}</time>`}
          ${device.last_seen_ip == null ? nothing : html`<span>${device.last_seen_ip}</span>`}
        </span>
      </span>
      <weft-menu
        label=${msg(str`Actions for ${name}`)}
        .items=${this.#menu(device, isHere)}
      ></weft-menu>
    </li>`;
  }

  override render() {
    // The dehydrated device is no place where one is signed in: it receives keys while all others are away.
    const devices = this.devices.filter(
      ({ device_id: id }) => this.#trustOf(id)?.isDehydrated !== true,
    );
    const others = devices.filter(({ device_id: id }) => id !== this.client.session.deviceId);
    return html`<ul aria-label=${msg("Devices")}>
        ${devices.map((device) => this.#one(device))}
      </ul>
      ${
        others.length > 1
          ? html`<button
              type="button"
              class="button"
              ?disabled=${this.busy}
              @click=${() =>
                void this.#delete(
                  others.map((device) => device.device_id),
                  {},
                )}
            >
              ${msg("Sign out all others")}
            </button>`
          : nothing
      }
      ${this.#passwordWindow()} ${this.#nameWindow()}`;
  }
}
