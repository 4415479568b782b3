import { css } from "lit";

/** What stands beside the conversation: lists of messages, and the words where there are none. */
export const panelStyles = css`
  :host {
    display: flex;
    flex-direction: column;
    min-height: 0;
    background: var(--paper);
  }
  .list {
    flex: 1;
    min-height: 0;
    margin: 0;
    padding: var(--space-1) var(--space-2) var(--space-4);
    list-style: none;
  }
  li {
    margin: 0;
  }
  .item {
    display: flex;
    align-items: start;
  }
  .quoted {
    display: flex;
    flex: 1;
    align-items: start;
    gap: var(--space-3);
    min-width: 0;
    width: 100%;
    padding: var(--space-2);
    border: 0;
    border-radius: var(--radius);
    background: none;
    text-align: start;
  }
  .quoted:hover {
    background: var(--hover);
  }
  .said {
    display: block;
    flex: 1;
    min-width: 0;
  }
  .by {
    display: flex;
    align-items: baseline;
    gap: var(--space-2);
  }
  .by b {
    flex: 0 1 auto;
    font-weight: 600;
  }
  .by time {
    margin-inline-start: auto;
    flex: none;
    color: var(--muted);
    font-size: 0.83em;
  }
  .words {
    display: -webkit-box;
    overflow: hidden;
    -webkit-box-orient: vertical;
    -webkit-line-clamp: 3;
    line-clamp: 3;
    overflow-wrap: anywhere;
    unicode-bidi: isolate;
  }
  .note {
    display: block;
    margin-top: 2px;
    color: var(--muted);
    font-size: 0.87em;
  }
  .note.unread {
    color: var(--accent);
    font-weight: 600;
  }
  .empty {
    margin: var(--space-5) var(--space-4);
    color: var(--muted);
    text-align: center;
  }
  .more {
    display: flex;
    justify-content: center;
    padding: var(--space-2);
  }
  mark {
    border-radius: 3px;
    background: var(--accent-soft);
    color: inherit;
    font-weight: 600;
  }
`;
