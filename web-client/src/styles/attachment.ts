import { css } from "lit";

export const attachmentStyles = css`
  :host {
    display: block;
    padding: 3px 0;
  }
  .picture {
    position: relative;
    display: grid;
    place-items: center;
    max-width: 100%;
    padding: 0;
    border: 1px solid var(--line);
    border-radius: var(--radius);
    background: var(--sunken);
    overflow: hidden;
  }
  .picture img {
    width: 100%;
    height: 100%;
    object-fit: cover;
  }
  .sticker {
    border-color: transparent;
    background: none;
  }
  .sticker img {
    object-fit: contain;
  }
  .film img {
    position: absolute;
    inset: 0;
  }
  video {
    display: block;
    max-width: 100%;
    border-radius: var(--radius);
    background: #000;
  }
  .play {
    z-index: 1;
    padding: var(--space-2) var(--space-4);
    border-radius: 20px;
    background: var(--accent);
    color: var(--on-accent);
    font-weight: 600;
  }
  .length {
    position: absolute;
    z-index: 1;
    right: 0;
    bottom: 0;
    left: 0;
    padding: 2px var(--space-2);
    background: var(--raised);
    color: var(--muted);
    font-size: 0.83em;
    text-align: start;
  }
  .missing {
    display: grid;
    justify-items: center;
    gap: var(--space-1);
    padding: var(--space-2);
    color: var(--muted);
    font-size: 0.9em;
  }
  .file {
    display: flex;
    align-items: center;
    gap: var(--space-3);
    width: min(380px, 100%);
    padding: var(--space-2) var(--space-2) var(--space-2) var(--space-3);
    border: 1px solid var(--line);
    border-radius: var(--radius);
    background: var(--raised);
  }
  .file > .icon {
    color: var(--accent);
  }
  .about {
    display: grid;
    flex: 1;
    min-width: 0;
    line-height: 1.3;
  }
  .size {
    color: var(--muted);
    font-size: 0.85em;
  }
  audio {
    width: min(380px, 100%);
    height: 44px;
  }
`;
