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
  }
  .sizer {
    position: relative;
    flex: none;
    width: 100%;
    margin-top: auto;
  }
  .from-top .sizer {
    margin-top: 0;
  }
  .from-top .head:empty {
    height: 0;
  }
  .space,
  .head,
  .foot {
    overflow-anchor: none;
  }
  .head,
  .foot {
    display: grid;
    place-items: center;
    height: 80px;
    color: var(--muted);
    font-size: 0.9em;
  }
  .foot {
    height: 12px;
  }
  .foot.more {
    height: 60px;
  }
  .row {
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
  .thread {
    display: flex;
    align-items: center;
    gap: var(--space-2);
    max-width: min(560px, calc(100% - 76px - var(--space-5)));
    min-height: 30px;
    margin: 2px var(--space-5) var(--space-1) 76px;
    padding: 2px var(--space-3) 2px var(--space-2);
    border: 1px solid var(--line);
    border-radius: var(--radius);
    background: none;
    color: var(--muted);
    font-size: 0.9em;
    text-align: start;
  }
  .thread:hover {
    background: var(--hover);
  }
  .thread b {
    flex: none;
    color: var(--accent);
    font-weight: 600;
  }
  .thread.unread {
    border-color: var(--accent);
  }
  @media (max-width: 719px) {
    .thread {
      max-width: calc(100% - 56px - var(--space-3));
      margin-inline: 56px var(--space-3);
    }
  }
  .day,
  .unread:not(.thread) {
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
  .unread:not(.thread)::before {
    content: "";
    flex: 1;
    border-top: 1px solid var(--line);
  }
  .unread:not(.thread) {
    padding-block: var(--space-1);
    color: var(--accent);
  }
  .unread:not(.thread)::before {
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
