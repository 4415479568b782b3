import { css } from "lit";

export const timelineStyles = css`
  :host {
    position: relative;
    display: block;
    min-height: 0;
  }
  .scroller {
    display: flex;
    flex-direction: column;
    height: 100%;
    overflow-x: hidden;
    overflow-anchor: none;
  }
  .sizer {
    position: relative;
    flex: none;
    width: 100%;
    margin-top: auto;
  }
  .head {
    position: absolute;
    inset: 0 0 auto;
    display: grid;
    place-items: center;
    height: 72px;
    color: var(--muted);
    font-size: 0.9em;
  }
  .row {
    position: absolute;
    top: 0;
    left: 0;
    width: 100%;
    /* Keeps the margins of what is within from falling out of the measured height. */
    display: flow-root;
  }
  .row:focus-visible {
    outline-offset: -2px;
    border-radius: var(--radius);
  }
  .flash .line {
    animation: flash 2s ease-out;
  }
  @keyframes flash {
    0%,
    40% {
      background: var(--accent-soft);
    }
  }
  .line {
    display: block;
  }
  .day,
  .unread {
    display: flex;
    align-items: center;
    gap: var(--space-3);
    padding: var(--space-3) var(--space-5) var(--space-2);
    color: var(--muted);
    font-size: 0.83em;
    font-weight: 600;
  }
  .day::before,
  .day::after,
  .unread::before {
    content: "";
    flex: 1;
    border-top: 1px solid var(--line);
  }
  .unread {
    padding-block: var(--space-1);
    color: var(--accent);
  }
  .unread::before {
    border-color: var(--accent);
  }
  .jump,
  .to-unread {
    position: absolute;
    border-radius: 18px;
    box-shadow: var(--shadow);
  }
  .jump {
    right: var(--space-5);
    bottom: var(--space-3);
  }
  .to-unread {
    top: var(--space-3);
    left: 50%;
    transform: translateX(-50%);
    color: var(--accent);
  }
`;
