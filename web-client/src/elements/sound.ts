import { msg, str } from "@lit/localize";
import { css, html, LitElement, nothing, svg } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { UseClient } from "../controllers/context.ts";
import { Media } from "../controllers/media.ts";
import type { MediaWish } from "../store/media-cache.ts";
import { base, buttons } from "../styles/shared.ts";
import { duration } from "../text/time.ts";
import { icon } from "./icon.ts";

/** Bars that a waveform is drawn with. */
const BARS = 48;

/** As many bars as there is room for, each 0 to 1; a flat line where the sender told none. */
export function barsOf(waveform: readonly number[]): number[] {
  const most = Math.max(1, ...waveform);
  return Array.from({ length: BARS }, (_, bar) => {
    const from = Math.floor((bar * waveform.length) / BARS);
    const to = Math.max(from + 1, Math.floor(((bar + 1) * waveform.length) / BARS));
    return Math.max(0, ...waveform.slice(from, to)) / most;
  });
}

/** A sound or a voice message: fetched when it is first played. */
@customElement("weft-sound")
export class WeftSound extends LitElement {
  @property({ attribute: false }) wish: MediaWish | undefined;
  /** What it is called. */
  @property() name = "";
  /** Milliseconds, as its sender says. */
  @property({ attribute: false }) length: number | undefined;
  @property({ attribute: false }) waveform: readonly number[] = [];
  @state() private wanted = false;
  @state() private playing = false;
  @state() private at = 0;
  @state() private total = 0;

  readonly #client = new UseClient(this);
  readonly #media = new Media(
    this,
    () => this.#client.optional?.media,
    () => (this.wanted ? this.wish : undefined),
  );

  static override styles = [
    base,
    buttons,
    css`
      .sound {
        display: grid;
        grid-template-columns: auto minmax(0, 1fr) auto;
        align-items: center;
        gap: 0 var(--space-3);
        width: min(380px, 100%);
        padding: var(--space-2) var(--space-3) var(--space-2) var(--space-2);
        border: 1px solid var(--line);
        border-radius: var(--radius);
        background: var(--raised);
      }
      .play {
        width: 40px;
        height: 40px;
        border-radius: 50%;
        background: var(--accent);
        color: var(--on-accent);
      }
      .play:hover:not(:disabled) {
        background: var(--accent-hover);
        color: var(--on-accent);
      }
      .name {
        grid-column: 2 / 4;
        font-size: 0.9em;
      }
      .play {
        grid-row: 1 / 3;
      }
      .track {
        position: relative;
        height: 26px;
      }
      .track svg {
        position: absolute;
        inset: 0;
        width: 100%;
        height: 100%;
        color: var(--line-strong);
      }
      .played {
        color: var(--accent);
      }
      input {
        position: absolute;
        inset: 0;
        width: 100%;
        height: 100%;
        margin: 0;
        opacity: 0;
        cursor: pointer;
      }
      .track:focus-within {
        outline: 2px solid var(--accent);
        border-radius: 4px;
      }
      .time {
        color: var(--muted);
        font-size: 0.85em;
        font-variant-numeric: tabular-nums;
      }
      .problem {
        grid-column: 2 / 4;
        color: var(--danger);
        font-size: 0.85em;
      }
    `,
  ];

  get #audio(): HTMLAudioElement | null {
    return this.renderRoot.querySelector("audio");
  }

  readonly #toggle = (): void => {
    if (this.#media.failed) this.#media.retry();
    const audio = this.#audio;
    this.wanted = true;
    if (audio === null) return;
    if (audio.paused) void audio.play().catch(() => undefined);
    else audio.pause();
  };

  readonly #seek = (event: Event): void => {
    const share = Number((event.target as HTMLInputElement).value) / 1000;
    this.at = share * this.#seconds;
    if (this.#audio !== null) this.#audio.currentTime = this.at;
  };

  /** Seconds: what the browser found out, else what the sender says. */
  get #seconds(): number {
    return this.total > 0 ? this.total : (this.length ?? 0) / 1000;
  }

  #wave(share: number) {
    const bars = barsOf(this.waveform);
    return svg`<svg viewBox="0 0 ${BARS * 4} 26" preserveAspectRatio="none" aria-hidden="true">
      ${bars.map((bar, at) => {
        const height = Math.max(2, bar * 24);
        return svg`<rect class=${at / BARS < share ? "played" : ""} fill="currentColor" rx="1"
          x=${at * 4} y=${(26 - height) / 2} width="2.4" height=${height}></rect>`;
      })}
    </svg>`;
  }

  #element() {
    if (this.#media.url === undefined) return nothing;
    return html`<audio
      src=${this.#media.url}
      autoplay
      @play=${() => (this.playing = true)}
      @pause=${() => (this.playing = false)}
      @ended=${() => (this.playing = false)}
      @timeupdate=${(event: Event) => (this.at = (event.target as HTMLAudioElement).currentTime)}
      @durationchange=${(event: Event) => {
        const { duration: seconds } = event.target as HTMLAudioElement;
        if (Number.isFinite(seconds)) this.total = seconds;
      }}
    ></audio>`;
  }

  override render() {
    const seconds = this.#seconds;
    const share = seconds === 0 ? 0 : Math.min(1, this.at / seconds);
    const loading = this.wanted && this.#media.url === undefined && !this.#media.failed;
    const label = this.playing ? msg(str`Pause ${this.name}`) : msg(str`Play ${this.name}`);
    const shown = this.at > 0 ? this.at : seconds;
    return html`<div class="sound" role="group" aria-label=${this.name}>
      <button
        type="button"
        class="icon-button play"
        aria-label=${label}
        title=${label}
        aria-busy=${loading}
        @click=${this.#toggle}
      >
        ${icon(this.playing ? "pause" : "play")}
      </button>
      <span class="name ellipsis">${this.name}</span>
      <div class="track">
        ${this.#wave(share)}
        <input
          type="range"
          min="0"
          max="1000"
          .value=${String(Math.round(share * 1000))}
          aria-label=${msg("Position")}
          aria-valuetext=${duration(this.at * 1000)}
          @input=${this.#seek}
        />
      </div>
      <span class="time">${seconds === 0 && this.at === 0 ? "" : duration(shown * 1000)}</span>
      ${this.#media.failed ? html`<span class="problem">${msg("The sound cannot be fetched.")}</span>` : nothing}
      ${this.#element()}
    </div>`;
  }
}
