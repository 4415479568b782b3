import { msg } from "@lit/localize";
import { css, html, LitElement } from "lit";
import { customElement, state } from "lit/decorators.js";
import { toast } from "../../store/toasts.ts";
import { base, buttons } from "../../styles/shared.ts";
import { duration } from "../../text/time.ts";
import { icon } from "../icon.ts";

/** What was recorded: the file, its milliseconds, and how loud it was, 0 to 1024. */
export interface Recording {
  file: File;
  duration: number;
  waveform: number[];
}

/** Milliseconds between two looks at how loud it is, and the longest recording. */
const EVERY = 100;
const LONGEST = 15 * 60_000;
/** Numbers of a waveform that are sent. */
const MAX_WAVE = 100;

const TYPES = ["audio/ogg;codecs=opus", "audio/webm;codecs=opus", "audio/mp4"];
const NAMES: Readonly<Record<string, string>> = { ogg: "ogg", webm: "webm", mp4: "m4a" };

/** A loudness for each of at most a hundred parts. */
export function waveformOf(levels: readonly number[]): number[] {
  const parts = Math.min(MAX_WAVE, levels.length);
  return Array.from({ length: parts }, (_, at) => {
    const part = levels.slice(
      Math.floor((at * levels.length) / parts),
      Math.max(1, Math.floor(((at + 1) * levels.length) / parts)),
    );
    return Math.min(1024, Math.round(Math.max(0, ...part) * 1024));
  });
}

/** Records as soon as it is on the page. Tells of "recorded", and of "cancel" when nothing came of it. */
@customElement("weft-voice-recorder")
export class WeftVoiceRecorder extends LitElement {
  @state() private since: number | undefined;
  @state() private now = 0;
  #recorder: MediaRecorder | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #context: AudioContext | undefined;
  readonly #levels: number[] = [];
  readonly #parts: Blob[] = [];
  #wanted = false;

  static override styles = [
    base,
    buttons,
    css`
      :host {
        display: flex;
        align-items: center;
        gap: var(--space-3);
        padding: 5px 5px 5px var(--space-3);
      }
      .dot {
        width: 10px;
        height: 10px;
        border-radius: 50%;
        background: var(--danger);
      }
      .words {
        flex: 1;
        font-variant-numeric: tabular-nums;
      }
      meter {
        width: 80px;
      }
    `,
  ];

  override connectedCallback(): void {
    super.connectedCallback();
    this.#start().catch(() => {
      toast(
        msg("The browser does not let Weft listen. Its settings for this page can change that."),
        "error",
      );
      this.#cancel();
    });
  }

  override disconnectedCallback(): void {
    this.#end();
    super.disconnectedCallback();
  }

  override firstUpdated(): void {
    this.renderRoot.querySelector<HTMLElement>(".send")?.focus();
  }

  async #start(): Promise<void> {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    if (!this.isConnected) {
      for (const track of stream.getTracks()) track.stop();
      return;
    }
    const mimeType = TYPES.find((type) => MediaRecorder.isTypeSupported(type));
    const recorder = new MediaRecorder(stream, {
      ...(mimeType === undefined ? {} : { mimeType }),
      audioBitsPerSecond: 24_000,
    });
    this.#recorder = recorder;
    recorder.addEventListener("dataavailable", ({ data }) => this.#parts.push(data));
    recorder.addEventListener("stop", () => this.#finish(recorder.mimeType));
    recorder.start(1000);
    this.since = performance.now();
    this.#listen(stream);
  }

  #listen(stream: MediaStream): void {
    this.#context = new AudioContext();
    const analyser = this.#context.createAnalyser();
    this.#context.createMediaStreamSource(stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    this.#timer = setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      const loud = Math.sqrt(samples.reduce((sum, one) => sum + one * one, 0) / samples.length);
      this.#levels.push(Math.min(1, loud * 3));
      this.now = performance.now();
      if (this.#elapsed >= LONGEST) this.#stop();
    }, EVERY);
  }

  get #elapsed(): number {
    return this.since === undefined ? 0 : Math.max(0, this.now - this.since);
  }

  #end(): void {
    clearInterval(this.#timer);
    if (this.#recorder?.state === "recording") this.#recorder.stop();
    for (const track of this.#recorder?.stream.getTracks() ?? []) track.stop();
    void this.#context?.close().catch(() => undefined);
    this.#context = undefined;
  }

  #stop(): void {
    this.#wanted = true;
    this.now = performance.now();
    this.#end();
  }

  #finish(mimeType: string): void {
    if (!this.#wanted) return;
    const type = mimeType.split(";")[0]!;
    const name = `${msg("Voice message")}.${NAMES[type.split("/")[1] ?? ""] ?? "webm"}`;
    const detail: Recording = {
      file: new File(this.#parts, name, { type }),
      duration: Math.round(this.#elapsed),
      waveform: waveformOf(this.#levels),
    };
    this.dispatchEvent(new CustomEvent("recorded", { detail }));
  }

  #cancel(): void {
    this.dispatchEvent(new CustomEvent("cancel"));
  }

  override render() {
    return html`<span class="dot" aria-hidden="true"></span>
      <span class="words" role="timer"
        >${this.since === undefined ? msg("One moment…") : duration(this.#elapsed)}</span
      >
      <meter
        min="0"
        max="1"
        value=${this.#levels.at(-1) ?? 0}
        aria-label=${msg("Loudness")}
      ></meter>
      <button type="button" class="button small" @click=${() => this.#cancel()}>
        ${msg("Cancel")}
      </button>
      <button
        type="button"
        class="button primary small send"
        ?disabled=${this.since === undefined}
        @click=${() => this.#stop()}
      >
        ${icon("send")} ${msg("Send")}
      </button>`;
  }
}
