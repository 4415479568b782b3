import { msg } from "@lit/localize";
import { css, html, LitElement } from "lit";
import { customElement, query, state } from "lit/decorators.js";
import { base, buttons } from "../../styles/shared.ts";
import { loadQrReader, type QrReader } from "../../text/qr.ts";

/** Milliseconds between two looks at the camera's picture. */
const EVERY = 150;
/** Pixels of the longer side that is looked at: more costs time and reads no more codes. */
const SIDE = 720;

/** Why the camera's picture is not there, in words. */
function whyNot(error: unknown): string {
  const name = error instanceof DOMException ? error.name : "";
  if (name === "NotAllowedError")
    return msg("The browser does not let this page use the camera. Its settings can change that.");
  if (name === "NotFoundError") return msg("No camera was found.");
  if (name === "NotReadableError") return msg("Another program is using the camera.");
  return msg("The camera cannot be used.");
}

/** Shows what the camera sees until there is a QR code in it: `scanned` brings its bytes. */
@customElement("weft-qr-scanner")
export class WeftQrScanner extends LitElement {
  @state() private problem = "";
  @query("video") private video!: HTMLVideoElement | null;
  #stream: MediaStream | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #canvas = document.createElement("canvas");

  static override styles = [
    base,
    buttons,
    css`
      :host {
        display: block;
      }
      video {
        display: block;
        width: 100%;
        aspect-ratio: 1;
        border-radius: var(--radius);
        background: #000;
        object-fit: cover;
      }
      p {
        margin: 0 0 var(--space-2);
      }
    `,
  ];

  override connectedCallback(): void {
    super.connectedCallback();
    void this.#start();
  }

  override disconnectedCallback(): void {
    this.#stop();
    super.disconnectedCallback();
  }

  readonly #start = async (): Promise<void> => {
    this.problem = "";
    try {
      const [stream, reader] = await Promise.all([
        navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } }),
        loadQrReader(),
      ]);
      this.#stream = stream;
      if (!this.isConnected) return this.#stop();
      await this.updateComplete;
      const { video } = this;
      if (video === null) return this.#stop();
      video.srcObject = stream;
      await video.play();
      this.#look(video, reader);
    } catch (error) {
      this.#stop();
      this.problem = whyNot(error);
    }
  };

  #stop(): void {
    clearTimeout(this.#timer);
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = undefined;
  }

  #picture(video: HTMLVideoElement): ImageData | undefined {
    const scale = Math.min(1, SIDE / Math.max(video.videoWidth, video.videoHeight, 1));
    const width = Math.round(video.videoWidth * scale);
    const height = Math.round(video.videoHeight * scale);
    if (width === 0 || height === 0) return undefined;
    this.#canvas.width = width;
    this.#canvas.height = height;
    const context = this.#canvas.getContext("2d", { willReadFrequently: true });
    context?.drawImage(video, 0, 0, width, height);
    return context?.getImageData(0, 0, width, height);
  }

  #look(video: HTMLVideoElement, reader: QrReader): void {
    if (this.#stream === undefined) return;
    const picture = this.#picture(video);
    const bytes = picture === undefined ? undefined : reader(picture);
    if (bytes === undefined) {
      this.#timer = setTimeout(() => this.#look(video, reader), EVERY);
      return;
    }
    this.#stop();
    this.dispatchEvent(new CustomEvent("scanned", { detail: bytes }));
  }

  override render() {
    if (this.problem !== "") {
      return html`<p role="alert">${this.problem}</p>
        <button type="button" class="button small" @click=${this.#start}>
          ${msg("Try again")}
        </button>`;
    }
    return html`<video muted playsinline aria-label=${msg("What the camera sees")}></video>`;
  }
}
