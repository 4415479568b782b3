import { css } from "lit";

export const messageStyles = css`
  :host {
    display: block;
  }
  /* Only what has something laid over it is positioned: each positioned box costs paint in every frame of scrolling. */
  :host([active]) .message,
  .message.read,
  .body.suspect {
    position: relative;
  }
  .message {
    display: grid;
    grid-template-columns: 52px minmax(0, 1fr);
    padding: 2px 84px 2px var(--space-5);
  }
  .message.first {
    padding-top: var(--space-2);
  }
  :host([active]) .message {
    background: var(--marked);
  }
  .for-me {
    box-shadow: inset 3px 0 var(--highlight);
  }
  .sending .what {
    opacity: 0.6;
  }
  .gutter {
    min-height: 20px;
  }
  .gutter weft-avatar {
    margin-top: 3px;
  }
  /* What is not said by anybody is not copied along. */
  .aside,
  .header time,
  .hidden-label,
  weft-message-toolbar,
  weft-readers,
  .failed {
    user-select: none;
  }
  .aside {
    position: absolute;
    top: 5px;
    left: var(--space-5);
    display: none;
    width: 42px;
    color: var(--muted);
    font-size: 0.73em;
    white-space: nowrap;
  }
  :host([active]) .aside {
    display: block;
  }
  .header {
    display: flex;
    align-items: baseline;
    gap: var(--space-2);
    min-width: 0;
  }
  .sender {
    padding: 0;
    border: 0;
    background: none;
    font-weight: 600;
    line-height: 1.4;
  }
  .sender:hover {
    text-decoration: underline;
  }
  .header time {
    flex: none;
    color: var(--muted);
    font-size: 0.79em;
  }
  weft-shield {
    position: absolute;
    z-index: 1;
    top: -1px;
    left: -21px;
  }
  .quote {
    display: block;
    max-width: 100%;
    height: 24px;
    margin: 0 0 2px;
    padding: 0 var(--space-2);
    border: 0;
    border-left: 3px solid var(--line-strong);
    border-radius: 3px;
    background: none;
    color: var(--muted);
    font-size: 0.9em;
    text-align: start;
  }
  .quote:hover {
    background: var(--hover);
    color: var(--text);
  }
  .gone {
    display: flex;
    align-items: center;
    gap: var(--space-2);
    margin: 0;
    color: var(--muted);
    font-style: italic;
  }
  .gone .icon {
    font-size: 0.8em;
  }
  .notice {
    color: var(--muted);
  }
  .failed {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 0 var(--space-2);
    color: var(--danger);
    font-size: 0.9em;
  }
  weft-message-toolbar {
    position: absolute;
    z-index: 2;
    top: -16px;
    right: var(--space-4);
  }
  weft-readers {
    position: absolute;
    right: var(--space-4);
    bottom: 4px;
  }
  @media (max-width: 719px) {
    .message {
      grid-template-columns: 48px minmax(0, 1fr);
      padding-inline: var(--space-3) 44px;
    }
    .aside {
      left: var(--space-3);
    }
    weft-readers {
      right: var(--space-2);
    }
  }
`;
